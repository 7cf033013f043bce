//! Which series a query reads. An instant query's answer bears the time of the question, not that of the samples behind it,
//! and a rate over five minutes still has a value when nothing has come for four: how old the samples are has to be asked
//! for itself, of the selectors in the query.

/// Words of the language that stand where a series could.
const KEYWORDS: [&str; 13] =
    ["and", "or", "unless", "atan2", "bool", "offset", "inf", "nan", "start", "end", "smoothed", "anchored", "fill"];

/// Words before labels in parentheses.
const GROUPING: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// Aggregations, which may have their labels before their argument.
const AGGREGATIONS: [&str; 14] = [
    "sum",
    "avg",
    "count",
    "min",
    "max",
    "group",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "count_values",
    "quantile",
    "limitk",
    "limit_ratio",
];

/// The query for the time of the newest sample of each selector, in seconds, one series each; None where the query reads
/// none.
pub fn age_query(query: &str) -> Option<String> {
    let all = selectors(query);
    let one = |s: &&str| format!("max(timestamp({s}))");
    match all.as_slice() {
        [] => None,
        [only] => Some(one(only)),
        many => {
            // Without a label each, the second would be the same series as the first, and be left out.
            let told =
                many.iter().enumerate().map(|(i, s)| format!("label_replace({}, \"of\", \"{i}\", \"\", \"\")", one(s)));
            Some(told.collect::<Vec<_>>().join(" or "))
        }
    }
}

/// The selectors of a query as they are written, without ranges, offsets and doubles.
pub fn selectors(query: &str) -> Vec<&str> {
    let mut scan = Scan { text: query, at: 0 };
    let mut found: Vec<&str> = Vec::new();
    while let Some(c) = scan.peek() {
        let from = scan.at;
        match c {
            b'#' => scan.skip_comment(),
            b'"' | b'\'' | b'`' => scan.skip_string(),
            b'0'..=b'9' | b'.' => scan.skip_while(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b'.'),
            b'[' => scan.skip_bracket(b'[', b']'),
            b'{' => {
                scan.skip_bracket(b'{', b'}');
                found.push(&query[from..scan.at]);
            }
            c if c.is_ascii_alphabetic() || c == b'_' || c == b':' => {
                if let Some(selector) = scan.word() {
                    found.push(selector);
                }
            }
            _ => scan.at += 1,
        }
    }
    let mut once: Vec<&str> = Vec::new();
    for selector in found {
        if !once.contains(&selector) {
            once.push(selector);
        }
    }
    once
}

/// Bytes: everything that matters is ASCII, and what lies between is never cut.
struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_while(&mut self, is: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&is) {
            self.at += 1;
        }
    }

    fn skip_comment(&mut self) {
        self.skip_while(|c| c != b'\n');
    }

    fn skip_string(&mut self) {
        let Some(quote) = self.peek() else { return };
        self.at += 1;
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                b'\\' if quote != b'`' => self.at += 1,
                c if c == quote => break,
                _ => {}
            }
        }
        self.at = self.at.min(self.text.len());
    }

    /// From an opening to its closing, with what is quoted in between.
    fn skip_bracket(&mut self, open: u8, close: u8) {
        let mut depth = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                b'"' | b'\'' | b'`' => {
                    self.skip_string();
                    continue;
                }
                b'#' => {
                    self.skip_comment();
                    continue;
                }
                c if c == open => depth += 1,
                c if c == close => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            self.skip_while(|c| c.is_ascii_whitespace());
            if self.peek() != Some(b'#') {
                return;
            }
            self.skip_comment();
        }
    }

    /// Past a word and what belongs to it; the selector where it is one.
    fn word(&mut self) -> Option<&'a str> {
        let from = self.at;
        self.skip_while(|c| c.is_ascii_alphanumeric() || c == b'_' || c == b':');
        let end = self.at;
        let word = self.text[from..end].to_ascii_lowercase();
        self.skip_blanks();
        let next = self.peek();
        if GROUPING.contains(&word.as_str()) {
            if next == Some(b'(') {
                self.skip_bracket(b'(', b')');
            }
            return None;
        }
        if KEYWORDS.contains(&word.as_str()) || AGGREGATIONS.contains(&word.as_str()) || next == Some(b'(') {
            return None;
        }
        if next == Some(b'{') {
            self.skip_bracket(b'{', b'}');
            return Some(&self.text[from..self.at]);
        }
        Some(&self.text[from..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_query_reads_is_found() {
        let cases: &[(&str, &[&str])] = &[
            ("up", &["up"]),
            ("1 + 1", &[]),
            ("vector(1) * time()", &[]),
            ("http:errors:rate5m > bool 0", &["http:errors:rate5m"]),
            (
                r#"sum by (job, up) (rate(http_requests_total{code=~"5.."}[5m]))"#,
                &[r#"http_requests_total{code=~"5.."}"#],
            ),
            (r#"sum(rate(e{a="}"}[1m])) / sum without(x)(rate(t [1m:10s] offset 5m))"#, &[r#"e{a="}"}"#, "t"]),
            (r#"{__name__="x",job='a\'}'} or y @ start()"#, &[r#"{__name__="x",job='a\'}'}"#, "y"]),
            ("histogram_quantile(0.95, sum by (le) (rate(d_bucket[5m]))) * 1e3", &["d_bucket"]),
            ("a # b\n + on(c) group_left(d) a AND e offset -1h30m", &["a", "e"]),
            ("max_over_time((a / b)[10m:]) == Inf or NaN", &["a", "b"]),
            ("label_replace(a, \"x\", \"$1 up\", `y{`, \"(.*)\")", &["a"]),
            ("0x1F + 1_000 + .5e-3 + größe", &["gr", "e"]),
        ];
        for (query, expected) in cases {
            assert_eq!(selectors(query), *expected, "{query}");
        }
    }

    #[test]
    fn what_is_broken_off_ends() {
        for broken in ["a{", "a{b=\"", "sum by (", "a[5m", "\"x\\", "#", "a{b='é", "}", "]a", "{{{{"] {
            // The server says what is wrong with it; here it only has to end.
            let _ = age_query(broken);
        }
    }

    #[test]
    fn one_series_for_each_selector() {
        assert_eq!(age_query("1"), None);
        assert_eq!(age_query("rate(a[5m])").unwrap(), "max(timestamp(a))");
        assert_eq!(
            age_query("a / b").unwrap(),
            "label_replace(max(timestamp(a)), \"of\", \"0\", \"\", \"\") or label_replace(max(timestamp(b)), \"of\", \"1\", \"\", \"\")"
        );
    }
}
