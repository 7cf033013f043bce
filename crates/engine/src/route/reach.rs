//! What keeps us from reaching a router's admin address, in words.

use std::io;

use crate::error::words;

/// One clause for an error of a connection to `address`.
pub(super) fn unreachable(address: &str, e: &io::Error) -> String {
    if e.to_string().contains("failed to lookup address") {
        return format!("the host name of {address} cannot be resolved");
    }
    match e.kind() {
        io::ErrorKind::ConnectionRefused => format!("nothing listens on {address}"),
        io::ErrorKind::NotFound => format!("there is no socket {address}"),
        io::ErrorKind::PermissionDenied => format!("this user may not open {address}"),
        io::ErrorKind::InvalidInput => format!("“{address}” is neither host:port nor the path of a socket"),
        io::ErrorKind::TimedOut => format!("{address} does not answer; a firewall that drops packets looks like this"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionAborted => {
            format!("{address} closed the connection without an answer")
        }
        _ => format!("{address} cannot be reached ({})", words(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_miss_has_its_words() {
        let said = |kind: io::ErrorKind| unreachable("pgb-1:6432", &kind.into());
        assert_eq!(said(io::ErrorKind::ConnectionRefused), "nothing listens on pgb-1:6432");
        assert!(said(io::ErrorKind::UnexpectedEof).contains("closed the connection"));
        assert!(said(io::ErrorKind::InvalidInput).contains("neither host:port"), "a typo is told as one");
    }
}
