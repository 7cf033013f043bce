//! `log_line_prefix`: what stands before every line of a log in plain text, taken apart again.

use super::{At, time};

/// A prefix that can be taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// The letter behind the percent sign, and whether it is padded.
    Field(u8, bool),
    /// `%q`: the server's own processes stop here.
    SessionsOnly,
}

/// What a prefix says.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Said<'a> {
    pub(super) at: Option<At>,
    pub(super) pid: Option<i32>,
    pub(super) user: &'a str,
    pub(super) database: &'a str,
    pub(super) application: &'a str,
    pub(super) client: &'a str,
    pub(super) session: &'a str,
    pub(super) sqlstate: Option<&'a str>,
}

/// Steps that one line may take: a prefix of free texts alone could be read in very many ways.
const PATIENCE: u32 = 20_000;

/// What `%b` says in two words or more, where a shorter reading would do.
const BACKENDS: [&str; 12] = [
    "client backend",
    "autovacuum launcher",
    "autovacuum worker",
    "background worker",
    "background writer",
    "logical replication launcher",
    "logical replication worker",
    "logical replication apply worker",
    "logical replication tablesync worker",
    "parallel worker",
    "slotsync worker",
    "not initialized",
];

impl Prefix {
    /// From the setting's value.
    ///
    /// # Errors
    /// A sentence when a letter is not known.
    pub fn new(setting: &str) -> Result<Prefix, String> {
        let (mut parts, mut literal) = (Vec::new(), String::new());
        let mut chars = setting.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '%' {
                literal.push(c);
                continue;
            }
            let mut padded = false;
            while let Some(pad) = chars.next_if(|c| *c == '-' || c.is_ascii_digit()) {
                padded |= pad.is_ascii_digit();
            }
            match chars.next() {
                Some('%') => literal.push('%'),
                Some(letter) if "abcdhilLmnpPqQrstuvxe".contains(letter) => {
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(if letter == 'q' { Part::SessionsOnly } else { Part::Field(letter as u8, padded) });
                }
                Some(other) => {
                    return Err(format!(
                        "“%{other}” in log_line_prefix is not known: give the prefix as the server's configuration has it."
                    ));
                }
                None => {}
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Prefix { parts })
    }

    /// Whether errors come with their SQLSTATE.
    pub fn has_sqlstate(&self) -> bool {
        self.parts.iter().any(|p| matches!(p, Part::Field(b'e', _)))
    }

    /// What the prefix of a line says, and the rest of the line, which begins with a label as `ERROR:  `.
    pub(super) fn take<'a>(&self, line: &'a str) -> Option<(Said<'a>, &'a str)> {
        let mut patience = PATIENCE;
        take(&self.parts, line, Said::default(), &mut patience)
    }
}

fn take<'a>(parts: &[Part], line: &'a str, said: Said<'a>, patience: &mut u32) -> Option<(Said<'a>, &'a str)> {
    *patience = patience.checked_sub(1)?;
    let Some((part, rest)) = parts.split_first() else {
        return label(line).map(|_| (said, line));
    };
    match part {
        Part::Literal(text) => take(rest, line.strip_prefix(text.as_str())?, said, patience),
        Part::SessionsOnly => take(rest, line, said, patience).or_else(|| label(line).map(|_| (said, line))),
        Part::Field(letter, padded) => field(*letter, *padded, rest, line, said, patience),
    }
}

fn field<'a>(
    letter: u8,
    padded: bool,
    rest: &[Part],
    line: &'a str,
    said: Said<'a>,
    patience: &mut u32,
) -> Option<(Said<'a>, &'a str)> {
    let line = if padded { line.trim_start_matches(' ') } else { line };
    let count = |of: fn(char) -> bool| line.chars().take_while(|c| of(*c)).count();
    let length = match letter {
        b'm' | b't' | b's' => time::stamp(line.as_bytes())?.1,
        b'n' => count(|c| c.is_ascii_digit() || c == '.'),
        b'p' | b'P' | b'l' | b'Q' | b'x' => {
            let sign = usize::from(line.starts_with('-'));
            sign + line[sign..].bytes().take_while(u8::is_ascii_digit).count()
        }
        b'c' | b'v' => count(|c| c.is_ascii_hexdigit() || c == '.' || c == '/'),
        b'e' => count(|c| c.is_ascii_alphanumeric()).min(5),
        b'b' if BACKENDS.iter().any(|b| line.starts_with(b)) => {
            BACKENDS.iter().filter(|b| line.starts_with(**b)).map(|b| b.len()).max().unwrap_or_default()
        }
        _ => return free(letter, padded, rest, line, said, patience),
    };
    go_on(letter, padded, rest, line, length, said, patience)
}

/// A text of any kind: as short as the rest allows.
fn free<'a>(
    letter: u8,
    padded: bool,
    rest: &[Part],
    line: &'a str,
    said: Said<'a>,
    patience: &mut u32,
) -> Option<(Said<'a>, &'a str)> {
    let ends = line.char_indices().map(|(i, _)| i).chain([line.len()]);
    let next = match rest.first() {
        Some(Part::Literal(text)) => Some(text.as_str()),
        Some(Part::Field(..) | Part::SessionsOnly) | None => None,
    };
    for end in ends {
        // Only where the next literal stands is worth a try.
        if next.is_none_or(|n| line[end..].starts_with(n) || padded && line[end..].starts_with(' ')) {
            if let Some(found) = go_on(letter, padded, rest, line, end, said, patience) {
                return Some(found);
            }
            if *patience == 0 {
                return None;
            }
        }
    }
    None
}

fn go_on<'a>(
    letter: u8,
    padded: bool,
    rest: &[Part],
    line: &'a str,
    length: usize,
    mut said: Said<'a>,
    patience: &mut u32,
) -> Option<(Said<'a>, &'a str)> {
    let (value, after) = line.split_at_checked(length)?;
    match letter {
        b'm' | b't' => said.at = time::stamp(value.as_bytes()).map(|(at, _)| at),
        b'n' => said.at = epoch(value),
        b'p' => said.pid = value.parse().ok(),
        b'u' => said.user = value,
        b'd' => said.database = value,
        b'a' => said.application = value,
        b'r' | b'h' => said.client = value,
        b'c' => said.session = value,
        b'e' => said.sqlstate = (value.len() == 5).then_some(value),
        _ => {}
    }
    if padded && after.starts_with(' ') {
        let trimmed = after.trim_start_matches(' ');
        return take(rest, trimmed, said, patience).or_else(|| {
            // The spaces are those of the padding and of the prefix itself.
            let from = after.len() - trimmed.len();
            (0..from).rev().find_map(|skip| take(rest, &after[skip..], said, patience))
        });
    }
    take(rest, after, said, patience)
}

fn epoch(value: &str) -> Option<At> {
    let seconds: f64 = value.parse().ok()?;
    Some(At { unix_ms: (seconds * 1000.0) as i64, zone_known: true })
}

/// A label as `ERROR` and what stands behind it.
pub(super) fn label(line: &str) -> Option<(&str, &str)> {
    let (label, rest) = line.split_once(":  ")?;
    let fits = (2..=24).contains(&label.len()) && label.chars().all(|c| c.is_uppercase() || c.is_ascii_digit());
    fits.then_some((label, rest))
}
