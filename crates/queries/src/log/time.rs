//! Times as a log writes them.

/// An instant of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// Milliseconds since 1970, UTC.
    pub unix_ms: i64,
    /// Whether the zone's name was known; else it was taken for UTC.
    pub zone_known: bool,
}

/// `2026-11-28 21:10:27.832 UTC` at the begin of a line; how many bytes it takes, without the zone's trailing space.
pub(super) fn stamp(text: &[u8]) -> Option<(At, usize)> {
    if !is_date(text) {
        return None;
    }
    let number = |from: usize, to: usize| digits(text.get(from..to)?);
    let days = days(number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let seconds = number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    let mut at = 19;
    let mut ms = 0;
    if text.get(at) == Some(&b'.') {
        let part = text[at + 1..].iter().take(3).take_while(|b| b.is_ascii_digit()).count();
        ms = digits(text.get(at + 1..at + 1 + part)?)? * [1000, 100, 10, 1][part];
        at += 1 + part;
        at += text[at..].iter().take_while(|b| b.is_ascii_digit()).count();
    }
    let mut zone: &[u8] = &[];
    if text.get(at) == Some(&b' ') {
        let length = text[at + 1..].iter().take(40).take_while(|b| is_zone(**b)).count();
        zone = &text[at + 1..at + 1 + length];
        at += if length == 0 { 0 } else { 1 + length };
    }
    let offset = offset_s(zone);
    let unix_ms = (days * 86_400 + seconds - offset.unwrap_or(0)) * 1000 + ms;
    Some((At { unix_ms, zone_known: offset.is_some() }, at))
}

/// Whether a line begins like `2026-11-28 21:10:27`.
pub(super) fn is_date(text: &[u8]) -> bool {
    const PATTERN: &[u8; 19] = b"0000-00-00 00:00:00";
    text.len() >= PATTERN.len()
        && PATTERN.iter().zip(text).all(|(p, b)| if *p == b'0' { b.is_ascii_digit() } else { p == b })
}

fn is_zone(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b':' | b'/' | b'_')
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0_i64, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
}

/// Days since 1970 of a date of the civil calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Seconds east of UTC. Abbreviations are those that name one offset in practice; others are not guessed.
fn offset_s(zone: &[u8]) -> Option<i64> {
    let hours = |h: f64| Some((h * 3600.0) as i64);
    match zone {
        b"UTC" | b"GMT" | b"Z" | b"WET" => hours(0.0),
        b"CET" | b"WEST" => hours(1.0),
        b"CEST" | b"EET" | b"SAST" => hours(2.0),
        b"EEST" | b"MSK" => hours(3.0),
        b"JST" | b"KST" => hours(9.0),
        b"AEST" => hours(10.0),
        b"AEDT" => hours(11.0),
        b"EST" => hours(-5.0),
        b"EDT" => hours(-4.0),
        b"CDT" => hours(-5.0),
        b"CST" => hours(-6.0),
        b"MDT" => hours(-6.0),
        b"MST" => hours(-7.0),
        b"PDT" => hours(-7.0),
        b"PST" => hours(-8.0),
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let mut parts = rest.split(|b| *b == b':');
            let (h, m) = (digits(parts.next()?)?, parts.next().map_or(Some(0), digits)?);
            let (h, m) = if h >= 100 { (h / 100, h % 100) } else { (h, m) };
            let seconds = h * 3600 + m * 60;
            Some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_zones() {
        let at = |text: &str| stamp(text.as_bytes());
        let utc = at("2026-11-28 21:10:27.832 UTC [1]").unwrap();
        assert_eq!((utc.0.unix_ms, utc.1), (1_795_900_227_832, 27), "date -d @1795900227.832");
        assert_eq!(at("2026-11-28 22:10:27.832 CET,").unwrap().0, utc.0);
        assert_eq!(at("2026-11-28 23:40:27.832 +0230,").unwrap().0, utc.0);
        assert_eq!(at("2026-11-28 21:10:27 UTC").unwrap().0.unix_ms, 1_795_900_227_000, "%t has no milliseconds");
        let other = at("2026-11-28 21:10:27.832 XYZ").unwrap().0;
        assert_eq!((other.unix_ms, other.zone_known), (utc.0.unix_ms, false), "taken for UTC, and told");
        assert_eq!((at("2026-11-28 21:1"), at("no time")), (None, None));
        assert_eq!(days(1970, 1, 1), 0);
    }
}
