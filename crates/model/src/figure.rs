//! Figures for people, in the engine's sentences: the same rules as the page's, so that one number reads alike everywhere.

/// Narrow no-break space: a thin separator that never breaks a number over two lines.
const THIN: char = '\u{202f}';

/// A count with its thousands set apart: `10 437`.
pub fn count(n: i64) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if n < 0 {
        out.push('−');
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(THIN);
        }
        out.push(digit);
    }
    out
}

/// A lag in seconds, five characters wide up to 100 s: `0.006 s`, `12.34 s`. Rounded up: what was measured never reads as
/// nothing.
pub fn lag(ms: f64) -> String {
    let s = ms / 1000.0;
    if s < 10.0 {
        format!("{:.3} s", ms.ceil() / 1000.0)
    } else if s < 100.0 {
        format!("{s:.2} s")
    } else {
        format!("{} s", count(s.round() as i64))
    }
}

/// A lag as evidence: in steps of the heartbeat's own resolution, so that a verdict reads the same while it is the same.
pub fn lag_in_steps(ms: f64) -> String {
    const STEP: f64 = 50.0;
    if ms < STEP { "< 0.05 s".to_owned() } else { format!("{:.2} s", (ms / STEP).floor() * STEP / 1000.0) }
}

/// The time of a short read: `0.42 ms`, `4.1 ms`, `312 ms`.
pub fn read_ms(ms: f64) -> String {
    if ms < 1.0 {
        format!("{ms:.2} ms")
    } else if ms < 100.0 {
        format!("{ms:.1} ms")
    } else {
        format!("{} ms", count(ms.round() as i64))
    }
}

/// How long something has held, in whole units: `25 s`, `12 min`, `5 h`, `9 d`.
pub fn held(seconds: i64) -> String {
    match seconds.max(0) {
        s if s < 120 => format!("{} s", s - s % 5),
        s if s < 100 * 60 => format!("{} min", s / 60),
        s if s < 48 * 3600 => format!("{} h", s / 3600),
        s => format!("{} d", s / 86_400),
    }
}

/// A limit without decimals that it does not need: `1 s`, `500 ms`, `1.5 s`.
pub fn limit(ms: f64) -> String {
    if ms < 1000.0 {
        return format!("{} ms", count(ms.round() as i64));
    }
    let hundredths = (ms / 10.0).round() / 100.0;
    format!("{hundredths} s")
}

/// A limit on time in the unit it was meant in: `30 min`, `2 h`, `7 d`; anything uneven as a duration.
pub fn span(seconds: i64) -> String {
    match seconds {
        s if s > 86_400 && s % 86_400 == 0 => format!("{} d", s / 86_400),
        s if s >= 3600 && s % 3600 == 0 => format!("{} h", s / 3600),
        s if s >= 60 && s % 60 == 0 => format!("{} min", s / 60),
        s => crate::gate::duration(s),
    }
}

/// Bytes in binary units, as PostgreSQL counts them.
pub fn bytes(n: i64) -> String {
    let mut value = n as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{n} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_on_the_page() {
        assert_eq!(count(2_412_118_007), "2\u{202f}412\u{202f}118\u{202f}007");
        assert_eq!([count(999), count(0), count(-1204)], ["999", "0", "−1\u{202f}204"]);
        assert_eq!([6.2, 207.4, 12_344.0, 150_000.0].map(lag), ["0.007 s", "0.208 s", "12.34 s", "150 s"]);
        assert_eq!([1000.0, 500.0, 1500.0].map(limit), ["1 s", "500 ms", "1.5 s"]);
        assert_eq!([1800, 7200, 86_400, 604_800, 61].map(span), ["30 min", "2 h", "24 h", "7 d", "1:01"]);
        assert_eq!([3.0, 207.4, 1500.0].map(lag_in_steps), ["< 0.05 s", "0.20 s", "1.50 s"]);
        assert_eq!([0.421, 4.13, 1312.0].map(read_ms), ["0.42 ms", "4.1 ms", "1\u{202f}312 ms"]);
        assert_eq!([4, 44, 2472, 20_000, 777_600].map(held), ["0 s", "40 s", "41 min", "5 h", "9 d"]);
        assert_eq!([24, 57_242, 1 << 40].map(bytes), ["24 B", "55.9 KiB", "1.0 TiB"]);
    }
}
