//! One conversation with HAProxy's runtime API: all commands in one line, answers until it hangs up.

use std::{path::PathBuf, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};

use crate::{
    error::{Error, Kind, Result},
    route::reach::unreachable,
};

/// More than any answer of ours; whoever sends more is no runtime API.
const LONGEST_ANSWER: u64 = 8 << 20;

enum Address {
    Tcp(String),
    Socket(PathBuf),
}

/// The admin socket of one HAProxy.
pub(super) struct Runtime {
    label: String,
    at: String,
    address: Address,
    deadline: Duration,
}

impl Runtime {
    pub(super) fn new(address: String, deadline: Duration) -> Runtime {
        let (label, at) = (format!("HAProxy {address}"), address.clone());
        let address =
            if address.starts_with('/') { Address::Socket(PathBuf::from(address)) } else { Address::Tcp(address) };
        Runtime { label, at, address, deadline }
    }

    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// Sends all commands in one line and gives one answer for each; an answer is empty when all went well and there
    /// was nothing to show.
    pub(super) async fn ask(&self, doing: &str, commands: &[String]) -> Result<Vec<String>> {
        let line = format!("{}\n", commands.join(";"));
        let text = match timeout(self.deadline, self.converse(line)).await {
            Ok(Ok(text)) => text,
            Ok(Err(e)) => {
                let why = unreachable(&self.at, &e);
                return Err(Error::new(Kind::Unreachable, doing, why).caused_by(e));
            }
            Err(_) => {
                let why = format!("no complete answer within {:?}", self.deadline);
                return Err(Error::new(Kind::Deadline, doing, why));
            }
        };
        let answers = split(&text);
        if text.contains("Permission denied") {
            let why = "the admin socket says “Permission denied”: give it `level admin` in HAProxy's configuration";
            return Err(Error::new(Kind::Router, doing, why));
        }
        if answers.len() != commands.len() {
            let start: String = text.trim().lines().next().unwrap_or_default().chars().take(80).collect();
            let says = if start.is_empty() { "it says nothing".to_owned() } else { format!("it says “{start}”") };
            let why =
                format!("it broke off, or what answers there is not HAProxy's runtime API: {says}; check the address");
            return Err(Error::new(Kind::Router, doing, why));
        }
        Ok(answers)
    }

    async fn converse(&self, line: String) -> std::io::Result<String> {
        match &self.address {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address.as_str()).await?;
                stream.set_nodelay(true)?;
                exchange(stream, line).await
            }
            Address::Socket(path) => exchange(UnixStream::connect(path).await?, line).await,
        }
    }
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, line: String) -> std::io::Result<String> {
    stream.write_all(line.as_bytes()).await?;
    let mut bytes = Vec::new();
    // Without `prompt`, HAProxy closes after the line's last answer.
    stream.take(LONGEST_ANSWER).read_to_end(&mut bytes).await?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Every answer ends with an empty line; an empty answer is nothing but that line.
fn split(text: &str) -> Vec<String> {
    let mut answers = Vec::new();
    let mut current = String::new();
    for line in text.lines() {
        if line.is_empty() {
            answers.push(std::mem::take(&mut current));
        } else {
            current.push_str(line);
            current.push('\n');
        }
    }
    if !current.is_empty() {
        answers.push(current);
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart() {
        let text = "\n\nNo such server.\n\n1\n# be_id\n5 ro\n\n";
        assert_eq!(split(text), ["", "", "No such server.\n", "1\n# be_id\n5 ro\n"], "as HAProxy 2.6 sends them");
    }
}
