//! The one place that starts a program: no shell, nothing on its input, a deadline, and it ends when we do.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Command,
};

use super::{
    login::Login,
    passfile::{self, PassFile},
};
use crate::error::{Error, Kind, Result, words};

/// How much of the end of a program's complaints is kept for the message.
const TAIL: usize = 4096;

/// How much output is taken at most; the lists and scripts we read are far smaller.
const OUTPUT: u64 = 256 * 1024 * 1024;

/// What to run.
pub(super) struct Invocation<'a> {
    /// For errors: `dumping the schema of orders`.
    pub doing: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments; never a secret.
    pub args: Vec<String>,
    /// Whose password it needs.
    pub login: Option<&'a Login>,
    /// How long it may take.
    pub deadline: Duration,
}

/// The command line as a person would type it.
pub(super) fn line(program: &Path, args: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:=,@%+".contains(c);
    let shown = |word: &str| {
        if !word.is_empty() && word.chars().all(plain) {
            word.to_owned()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    };
    std::iter::once(program.display().to_string())
        .chain(args.iter().cloned())
        .map(|w| shown(&w))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs it to its end and returns what it printed.
pub(super) async fn run(invocation: Invocation<'_>) -> Result<String> {
    let Invocation { doing, program, args, login, deadline } = invocation;
    let name = program.file_name().map_or_else(|| "the tool".to_owned(), |n| n.to_string_lossy().into_owned());
    // Lives until the program has ended.
    let passfile = login.and_then(|l| l.password.as_ref()).map(PassFile::write).transpose()?;
    let mut command = Command::new(&program);
    command.args(&args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    for key in libpq_variables() {
        command.env_remove(key);
    }
    command.env("LC_ALL", "C.UTF-8");
    command.env("PGPASSFILE", passfile.as_ref().map_or_else(|| passfile::nothing().to_owned(), PassFile::path));
    let mut child = command.spawn().map_err(|e| {
        Error::new(Kind::Tool, &doing, format!("{} cannot be started: {}", program.display(), words(&e))).caused_by(e)
    })?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let work = async { tokio::join!(child.wait(), whole(stdout), tail(stderr)) };
    let Ok((status, output, complaints)) = tokio::time::timeout(deadline, work).await else {
        return Err(Error::new(Kind::Deadline, doing, format!("{name} did not end within {} s", deadline.as_secs())));
    };
    let status = status.map_err(|e| Error::new(Kind::Tool, &doing, format!("{name} was lost: {e}")).caused_by(e))?;
    if !status.success() {
        return Err(Error::new(
            kind(&complaints),
            doing,
            format!("{name} failed ({status}): {}", one_line(&complaints)),
        ));
    }
    output.map_err(|e| Error::new(Kind::Tool, doing, format!("what {name} printed cannot be read: {e}")))
}

/// The environment's `PG…` variables: what is connected to is decided by the endpoint alone.
fn libpq_variables() -> Vec<OsString> {
    std::env::vars_os().map(|(key, _)| key).filter(|key| key.to_string_lossy().starts_with("PG")).collect()
}

async fn whole(pipe: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let mut text = String::new();
    if let Some(pipe) = pipe {
        pipe.take(OUTPUT).read_to_string(&mut text).await?;
    }
    Ok(text)
}

/// Reads to the end and keeps the last [`TAIL`] bytes; a program that complains a lot must not block on a full pipe.
async fn tail(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut pipe) = pipe else { return String::new() };
    let (mut kept, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(n @ 1..) = pipe.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..n]);
        if kept.len() > TAIL {
            kept.drain(..kept.len() - TAIL);
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// Its lines one after the other, for a sentence.
fn one_line(complaints: &str) -> String {
    complaints.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("; ")
}

/// What a PostgreSQL tool's complaint means.
fn kind(complaints: &str) -> Kind {
    let has = |text: &str| complaints.contains(text);
    if has("permission denied")
        || has("must be owner of")
        || has("must be superuser")
        || has("must be able to SET ROLE")
    {
        Kind::Privilege
    } else if has("no password supplied") {
        Kind::PasswordNeeded
    } else if has("authentication failed") || has("pg_hba.conf") {
        Kind::LoginRefused
    } else if has("certificate") {
        Kind::TlsNotTrusted
    } else if has("connection to server") || has("could not translate host name") || has("server closed the connection")
    {
        Kind::Unreachable
    } else if has("terminating connection") {
        Kind::NotReady
    } else if has("lock timeout") || has("deadlock detected") {
        Kind::LockTimeout
    } else {
        Kind::Tool
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, deadline: Duration) -> Invocation<'static> {
        Invocation {
            doing: "testing".into(),
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            login: None,
            deadline,
        }
    }

    #[tokio::test]
    async fn complaints_end_up_in_the_error_and_only_their_end() {
        let script = "i=0; while [ $i -lt 3000 ]; do echo line $i >&2; i=$((i+1)); done; exit 3";
        let error = run(shell(script, Duration::from_secs(20))).await.unwrap_err();
        assert!(error.why.contains("line 2999") && !error.why.contains("line 10\n"), "{error}");
        assert_eq!(error.kind, Kind::Tool);
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended_at_its_deadline() {
        let error = run(shell("exec sleep 60", Duration::from_millis(200))).await.unwrap_err();
        assert_eq!(error.kind, Kind::Deadline, "{error}");
    }

    #[tokio::test]
    async fn the_environment_of_libpq_does_not_reach_it() {
        let out = run(shell("env | grep ^PG", Duration::from_secs(5))).await.unwrap();
        assert_eq!(out, "PGPASSFILE=/dev/null\n");
    }

    #[test]
    fn lines_can_be_pasted_into_a_shell() {
        let args = ["--dbname=dbname='o''c' x".to_owned(), "--single-transaction".to_owned()];
        assert_eq!(
            line(Path::new("/usr/bin/pg_dump"), &args),
            "/usr/bin/pg_dump '--dbname=dbname='\\''o'\\'''\\''c'\\'' x' --single-transaction"
        );
    }
}
