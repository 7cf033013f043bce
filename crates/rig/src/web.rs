//! A small web server for tests: it answers what it is told to, or nothing at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::HOST;
use crate::error::{Result, RigError};

/// One request.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its path.
    pub path: String,
    /// Its lines, as they came.
    pub head: String,
    /// What came with it.
    pub body: String,
}

/// Answers requests one by one until it is dropped.
#[derive(Debug)]
pub struct Web {
    /// `http://127.0.0.1:port`.
    pub url: String,
    /// Where it listens.
    pub port: u16,
    asked: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Web {
    /// With what it answers: status line, more header lines, body. None keeps the client waiting.
    pub async fn start(
        answer: impl Fn(&Asked) -> Option<(u16, String, Vec<u8>)> + Send + Sync + 'static,
    ) -> Result<Web> {
        let doing = || RigError::io("listening on loopback");
        let listener = TcpListener::bind((HOST, 0)).await.map_err(doing())?;
        let port = listener.local_addr().map_err(doing())?.port();
        let asked = Arc::new(AtomicUsize::new(0));
        let (counter, answer) = (asked.clone(), Arc::new(answer));
        let serving = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let answer = answer.clone();
                open.spawn(async move { serve(client, |asked| answer(asked)).await });
            }
        });
        Ok(Web { url: format!("http://{HOST}:{port}"), port, asked, serving })
    }

    /// How many connections came.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(mut client: TcpStream, answer: impl Fn(&Asked) -> Option<(u16, String, Vec<u8>)>) {
    let Some(asked) = read(&mut client).await else { return };
    let Some((status, more, body)) = answer(&asked) else {
        // The client goes away when it has waited for long enough.
        let _ = client.read_to_end(&mut Vec::new()).await;
        return;
    };
    let head = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n{more}\r\n", body.len());
    let _ = client.write_all(head.as_bytes()).await;
    let _ = client.write_all(&body).await;
    let _ = client.shutdown().await;
}

async fn read(client: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end + 4;
        }
        if client.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        // Who speaks TLS to it is answered in plain text, as web servers do.
        if bytes.first().is_some_and(|b| !b.is_ascii_alphabetic()) {
            let _ = client.write_all(b"HTTP/1.1 400 X\r\n\r\n").await;
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    while bytes.len() < end + length.unwrap_or(0) {
        if client.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let path = head.split(' ').nth(1)?.to_owned();
    let body = String::from_utf8_lossy(&bytes[end..]).into_owned();
    Some(Asked { path, head, body })
}
