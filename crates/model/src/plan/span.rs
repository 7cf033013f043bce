//! Times and sizes as people say them.

/// A time for people: two units at most, none smaller than it matters.
pub fn time(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "for ever".to_owned();
    }
    let s = seconds.max(0.0);
    match s {
        s if s < 1.0 => format!("{:.0} ms", s * 1000.0),
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => two(s, 3_600.0, "h", 60.0, "min"),
        s => two(s, 86_400.0, "days", 3_600.0, "h"),
    }
}

fn two(s: f64, large: f64, large_word: &str, small: f64, small_word: &str) -> String {
    let n = (s / large).floor();
    let rest = ((s - n * large) / small).round();
    if rest == 0.0 { format!("{n:.0} {large_word}") } else { format!("{n:.0} {large_word} {rest:.0} {small_word}") }
}

/// A number of things for people: whole below a million, then in three digits.
pub fn count(n: i64) -> String {
    match n as f64 {
        n if n.abs() < 1e6 => format!("{n:.0}"),
        n if n.abs() < 1e9 => format!("{} million", digits(n / 1e6)),
        n => format!("{} billion", digits(n / 1e9)),
    }
}

fn digits(n: f64) -> String {
    if n < 10.0 { format!("{n:.1}") } else { format!("{n:.0}") }
}

/// Bytes for people, in powers of 1000.
pub fn bytes(bytes: f64) -> String {
    const UNITS: [&str; 5] = ["bytes", "kB", "MB", "GB", "TB"];
    let mut value = bytes.max(0.0);
    let mut unit = "bytes";
    for next in UNITS {
        unit = next;
        if value < 1000.0 || next == "TB" {
            break;
        }
        value /= 1000.0;
    }
    if unit == "bytes" || value >= 100.0 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}

/// A time as an operator writes it: `30s`, `5m`, `2h`, `1d`, `250ms`, or seconds alone.
///
/// # Errors
/// A sentence, when it is none.
pub fn parse(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err(wrong(text)),
    };
    let seconds = number.parse::<f64>().map_err(|_| wrong(text))? * factor;
    if seconds.is_finite() { Ok(seconds) } else { Err(wrong(text)) }
}

fn wrong(text: &str) -> String {
    format!("“{text}” is not a time: write 250ms, 30s, 5m, 2h or 1d.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_the_unit_that_matters() {
        let said: Vec<String> = [0.06, 4.2, 61.0, 3_000.0, 9_000.0, 90_000.0, 200_000.0].map(time).to_vec();
        assert_eq!(said, ["60 ms", "4.2 s", "61 s", "50 min", "2 h 30 min", "25 h", "2 days 8 h"]);
        assert_eq!(time(f64::INFINITY), "for ever");
    }

    #[test]
    fn bytes_are_said_short() {
        let said: Vec<String> = [12.0, 1_500.0, 601e6, 2.11e11, 5e15].map(bytes).to_vec();
        assert_eq!(said, ["12 bytes", "1.5 kB", "601 MB", "211 GB", "5000 TB"]);
    }

    #[test]
    fn many_are_said_short() {
        let said: Vec<String> = [0, 999_999, 1_000_000, 412_345_678, 1_200_000_000, 25_000_000_000].map(count).to_vec();
        assert_eq!(said, ["0", "999999", "1.0 million", "412 million", "1.2 billion", "25 billion"]);
    }

    #[test]
    fn what_an_operator_writes_is_read_or_refused_with_a_sentence() {
        assert_eq!(
            ["250ms", "30", "30s", "5m", "2h", "1.5d"].map(parse),
            [0.25, 30.0, 30.0, 300.0, 7_200.0, 129_600.0].map(Ok)
        );
        for bad in ["", "s", "5 weeks", "-3s", "1e400", "3.4.5s", "NaN"] {
            assert!(parse(bad).unwrap_err().contains("not a time"), "{bad}");
        }
    }
}
