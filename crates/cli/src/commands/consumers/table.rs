//! Columns that stand below each other, and names that do no harm.

/// Characters of a name that are printed.
const WIDEST: usize = 48;

/// Lines of a table; a column of which every cell is a number stands to the right.
pub(in crate::commands) fn lines(head: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let columns = 0..head.len();
    let cell = |row: &Vec<String>, at: usize| row.get(at).cloned().unwrap_or_default();
    let width = |at: usize| {
        let widest = rows.iter().map(|row| cell(row, at).chars().count()).max().unwrap_or(0);
        widest.max(head.get(at).map_or(0, |h| h.chars().count()))
    };
    // Also 2/61, but no address.
    let is_number = |text: String| {
        text.starts_with(|c: char| c.is_ascii_digit()) && text.split('/').all(|part| part.parse::<f64>().is_ok())
    };
    let right: Vec<bool> = columns.clone().map(|at| rows.iter().all(|row| is_number(cell(row, at)))).collect();
    let widths: Vec<usize> = columns.map(width).collect();
    let line = |cells: Vec<String>| {
        let padded = cells.iter().zip(&widths).zip(&right).map(|((text, width), right)| {
            let gap = " ".repeat(width.saturating_sub(text.chars().count()));
            if *right { format!("{gap}{text}") } else { format!("{text}{gap}") }
        });
        format!("  {}", padded.collect::<Vec<_>>().join("  ")).trim_end().to_owned()
    };
    let head = line(head.iter().map(|h| (*h).to_owned()).collect());
    std::iter::once(head).chain(rows.iter().map(|row| line(row.clone()))).collect()
}

/// A name that somebody else chose, for a terminal: one line, nothing that steers it or turns its direction, and not longer than
/// a column may be. An empty one is a dash.
pub(in crate::commands) fn name(text: &str) -> String {
    let mut out: String = harmless(text).chars().take(WIDEST).collect();
    if text.chars().count() > WIDEST {
        out.pop();
        out.push('…');
    }
    if out.trim().is_empty() { "–".to_owned() } else { out }
}

/// The same of a sentence, in full.
pub(in crate::commands) fn harmless(text: &str) -> String {
    let unseen = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}' | '\u{61c}');
    text.chars().map(|c| if c.is_control() || unseen(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        let rows = [row(["5", "wéb", "10.0.0.1", "1/2"]), row(["12", "–", "::1", "2/2"])];
        assert_eq!(
            lines(&["now", "who", "address", "seen"], &rows),
            ["  now  who  address   seen", "    5  wéb  10.0.0.1   1/2", "   12  –    ::1        2/2"]
        );
    }

    #[test]
    fn names_do_no_harm() {
        assert_eq!(
            name("a\nb\x1b[2J"),
            "a\u{fffd}b\u{fffd}[2J",
            "no line of ours begins with them, and no screen is cleared"
        );
        assert_eq!(name("\u{202e}nimda"), "\u{fffd}nimda", "no other direction of reading");
        assert_eq!(name(&"x".repeat(99)).chars().count(), 48);
        assert_eq!(name(" "), "–", "an empty name is seen");
    }
}
