//! From the text of a script to its steps. A semicolon inside of quotes, of a dollar quote or of a comment ends no statement.

use super::{Expression, Statement, Step};

/// The steps, or the line (from 1) that is wrong and why.
pub(super) fn steps(text: &str) -> Result<Vec<Step>, (usize, String)> {
    let mut steps = Vec::new();
    let (mut open, mut began) = (String::new(), 1);
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        if is_blank(&open) {
            open.clear();
            began = number;
            if let Some(command) = line.trim_start().strip_prefix('\\') {
                steps.push(command_of(command.trim()).map_err(|why| (number, why))?);
                continue;
            }
        }
        open.push_str(line);
        open.push('\n');
        while let Some(end) = end_of_statement(&open) {
            let rest = open.split_off(end + 1);
            open.truncate(end);
            if !is_blank(&open) {
                steps.push(Step::Ask(Statement::of(open.trim())));
            }
            open = rest;
        }
    }
    if is_blank(&open) {
        return Ok(steps);
    }
    Err((began, "the statement that begins here does not end; put a semicolon after it.".to_owned()))
}

/// `set` and `sleep`; the others of pgbench decide what comes next, which a mix of scripts does by weights.
fn command_of(command: &str) -> Result<Step, String> {
    let (word, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    match word {
        "set" => {
            let rest = rest.trim();
            let (name, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            let named = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            if !named {
                return Err(format!("“{name}” is no name of a variable: write \\set name expression."));
            }
            Ok(Step::Set { name: name.to_owned(), value: Expression::read(value)? })
        }
        "sleep" => {
            let rest = rest.trim();
            let (much, unit) = rest.rsplit_once(char::is_whitespace).unwrap_or((rest, "s"));
            let unit_us = match unit {
                "us" => 1,
                "ms" => 1_000,
                "s" => 1_000_000,
                other => return Err(format!("“{other}” is no unit of \\sleep: us, ms or s are.")),
            };
            Ok(Step::Sleep { much: Expression::read(much)?, unit_us })
        }
        other => Err(format!("\\{other} is not known here: \\set and \\sleep are.")),
    }
}

/// Nothing but blanks and comments.
fn is_blank(text: &str) -> bool {
    let mut rest = text.trim_start();
    loop {
        if rest.is_empty() {
            return true;
        } else if rest.starts_with("--") {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
        } else if rest.starts_with("/*") {
            match comment_end(rest) {
                Some(end) => rest = rest[end..].trim_start(),
                None => return false,
            }
        } else {
            return false;
        }
    }
}

/// Where the first statement's semicolon is.
fn end_of_statement(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        at += match bytes[at] {
            b';' => return Some(at),
            b'\'' => quote_end(rest, '\'', escapes(&text[..at]))?,
            b'"' => quote_end(rest, '"', false)?,
            b'-' if rest.starts_with("--") => rest.find('\n')? + 1,
            b'/' if rest.starts_with("/*") => comment_end(rest)?,
            b'$' => dollar_end(rest)?,
            _ => rest.chars().next()?.len_utf8(),
        };
    }
    None
}

/// Whether a string that begins after this has backslashes that escape: `E'…'`.
fn escapes(before: &str) -> bool {
    let mut last = before.chars().rev();
    let is_e = last.next().is_some_and(|c| c == 'e' || c == 'E');
    is_e && !last.next().is_some_and(|c| c.is_alphanumeric() || c == '_')
}

/// Bytes up to and with the closing quote of what begins with one; a doubled quote does not close.
fn quote_end(text: &str, quote: char, escapes: bool) -> Option<usize> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if escapes && c == '\\' {
            chars.next();
        } else if c == quote {
            match chars.peek() {
                Some((_, next)) if *next == quote => {
                    chars.next();
                }
                Some(_) | None => return Some(at + quote.len_utf8()),
            }
        }
    }
    None
}

/// Bytes up to and with the end of a comment, which nests.
fn comment_end(text: &str) -> Option<usize> {
    let (mut depth, mut at) = (0, 0);
    loop {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += rest.chars().next()?.len_utf8();
        }
    }
}

/// Bytes of a whole dollar-quoted string, or of the lone dollar where none begins.
fn dollar_end(text: &str) -> Option<usize> {
    let tag: String = text[1..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let quote = format!("${tag}$");
    if tag.starts_with(|c: char| c.is_ascii_digit()) || !text.starts_with(&quote) {
        return Some(1);
    }
    text[quote.len()..].find(&quote).map(|end| end + 2 * quote.len())
}
