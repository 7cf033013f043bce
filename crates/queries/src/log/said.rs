//! What a message says of a statement: its text, its duration, its parameters.

const DURATION: &str = "duration: ";

/// `duration: 1.5 ms …`
pub(super) fn duration_ms(message: &str) -> Option<f64> {
    message.strip_prefix(DURATION)?.split_once(" ms")?.0.parse().ok()
}

/// The statement behind a duration, or of `log_statement`.
pub(super) fn statement(message: &str) -> Option<&str> {
    let said = match message.strip_prefix(DURATION) {
        Some(rest) => rest.split_once(" ms")?.1.trim_start(),
        None => message,
    };
    if let Some(text) = said.strip_prefix("statement: ") {
        return Some(text);
    }
    // The parts of the extended protocol; only one of them ran the statement.
    let named = said.strip_prefix("execute ")?;
    Some(named.split_once(": ")?.1)
}

/// `Parameters: $1 = '5'`, in whatever version's spelling, and whatever follows: a value may have lines of its own.
pub(super) fn parameters(text: &str) -> Option<&str> {
    let at = text.find("arameters: ")?;
    Some(&text[at + "arameters: ".len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_every_protocol_are_understood() {
        let simple = "duration: 1.250 ms  statement: select 1";
        assert_eq!((duration_ms(simple), statement(simple)), (Some(1.25), Some("select 1")));
        let extended = "duration: 0.1 ms  execute S_1: select $1";
        assert_eq!(statement(extended), Some("select $1"));
        assert_eq!(statement("execute <unnamed>/C_2: select ': '"), Some("select ': '"), "log_statement = all");
        assert_eq!(statement("duration: 0.1 ms  bind S_1: select $1"), None, "a bind ran nothing");
        assert_eq!((duration_ms("duration: 3.0 ms"), statement("duration: 3.0 ms")), (Some(3.0), None));
        assert_eq!(duration_ms("could not"), None);
        assert_eq!(parameters("Parameters: $1 = '5', $2 = NULL"), Some("$1 = '5', $2 = NULL"));
        assert_eq!(parameters("unnamed portal with parameters: $1 = 'x'"), Some("$1 = 'x'"));
    }
}
