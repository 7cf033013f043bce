//! Time for people, in sentences and terminals: UTC, since both are read and compared elsewhere.

use crate::UnixMs;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// `2026-11-24 03:40:12Z` from ms since 1970.
pub fn utc(ms: UnixMs) -> String {
    let rest = ms.div_euclid(1000).rem_euclid(86_400);
    format!("{} {:02}:{:02}:{:02}Z", date(ms), rest / 3600, rest / 60 % 60, rest % 60)
}

/// `2026-11-24` from ms since 1970, in UTC; civil-from-days by Howard Hinnant's algorithm.
pub fn date(ms: UnixMs) -> String {
    let z = ms.div_euclid(DAY_MS) + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The beginning of a day from `2026-11-24`, in UTC; days-from-civil by the same author.
///
/// # Errors
/// A sentence, when it is no day between 1970 and 9999.
pub fn parse_date(text: &str) -> Result<UnixMs, String> {
    let wrong = || format!("“{text}” is not a day: write it as 2026-11-24.");
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = text.trim().split('-').collect();
    let [year, month, day] = parts.as_slice() else { return Err(wrong()) };
    if year.len() != 4 || ![year, month, day].into_iter().all(|p| digits(p) && p.len() <= 4) {
        return Err(wrong());
    }
    let number = |part: &str| part.parse::<i64>().map_err(|_| wrong());
    let (year, month, day) = (number(year)?, number(month)?, number(day)?);
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return Err(wrong());
    }
    let y = if month <= 2 { year - 1 } else { year };
    let (era, yoe) = (y.div_euclid(400), y.rem_euclid(400));
    let mp = (month + 9) % 12;
    let doy = (153 * mp + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    let ms = (era * 146_097 + doe - 719_468) * DAY_MS;
    // The 31st of a short month would be a day of the next one.
    if date(ms) == format!("{year:04}-{month:02}-{day:02}") { Ok(ms) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants() {
        assert_eq!(utc(0), "1970-01-01 00:00:00Z");
        assert_eq!(utc(951_827_696_000), "2000-02-29 12:34:56Z", "a leap day of a century that has one");
        assert_eq!(utc(-1000), "1969-12-31 23:59:59Z");
    }

    #[test]
    fn a_day_is_read_as_it_is_written() {
        for text in ["1970-01-01", "2000-02-29", "2026-11-24", "2100-03-01", "9999-12-31"] {
            assert_eq!(date(parse_date(text).unwrap()), text);
        }
        for bad in [
            "",
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "24.11.2026",
            "2026-11",
            "2026-11-24-1",
            "1969-12-31",
            "２０２６-11-24",
        ] {
            assert!(parse_date(bad).unwrap_err().contains("not a day"), "{bad}");
        }
    }
}
