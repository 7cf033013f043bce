//! What it means when a connection ends without a word from the server. The driver's own texts are for programmers.

use std::io::ErrorKind;

/// One clause for a person; None when the error is something else than a connection that is gone.
pub(crate) fn broken(error: &sqlx::Error) -> Option<String> {
    match error {
        sqlx::Error::Io(e) => Some(match e.kind() {
            ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::NotConnected => "the connection broke off before an answer came".to_owned(),
            ErrorKind::ConnectionRefused => "nothing listens there any more".to_owned(),
            ErrorKind::TimedOut => "the connection timed out".to_owned(),
            _ => format!("the connection broke off ({})", crate::error::words(e)),
        }),
        // Half an answer, or none where the driver wants one.
        sqlx::Error::Protocol(_) => Some("the connection broke off in the middle of an answer".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_connection_reads_as_one() {
        let eof = std::io::Error::new(ErrorKind::UnexpectedEof, "expected to read 5 bytes, got 0 bytes at EOF");
        assert_eq!(broken(&sqlx::Error::Io(eof)).unwrap(), "the connection broke off before an answer came");
        let half = sqlx::Error::Protocol("unexpected response from SSLRequest: 0x00".into());
        assert!(broken(&half).is_some_and(|text| !text.contains("0x00")), "the driver's words help nobody");
        assert_eq!(broken(&sqlx::Error::RowNotFound), None, "this is no matter of connections");
    }
}
