//! Types with values of theirs: value `n` of a type is another one than value `m`, and the first few are those that a
//! careless hash takes for each other.

/// A type.
pub struct Kind {
    /// Its name on the source.
    pub source: &'static str,
    /// Names that it may have on the target.
    pub target: &'static [&'static str],
    /// Its first values.
    first: &'static [&'static str],
    /// The others.
    more: fn(usize) -> String,
    /// Another way of writing values, equal unless the comparison is exact.
    other: Option<fn(&str) -> Option<String>>,
    /// How many values it has.
    pub values: usize,
    /// Whether it may be in a key: a value is then shown as it is written.
    pub key: bool,
    /// Whether a key may consist of it alone.
    pub wide: bool,
}

impl Kind {
    /// Value `n`, as the type reads it.
    pub fn value(&self, n: usize) -> String {
        self.first.get(n).map_or_else(|| (self.more)(n), |v| (*v).to_owned())
    }

    /// The same value written in another way.
    pub fn other(&self, n: usize) -> Option<String> {
        self.other.and_then(|other| other(&self.value(n)))
    }
}

fn never(n: usize) -> String {
    panic!("value {n} does not exist")
}

fn zeros(value: &str) -> Option<String> {
    let digits = value.trim_start_matches('-').chars().all(|c| c.is_ascii_digit() || c == '.');
    digits.then(|| if value.contains('.') { format!("{value}00") } else { format!("{value}.0") })
}

fn negative_zero(value: &str) -> Option<String> {
    (value == "0").then(|| "-0".to_owned())
}

fn jsonb_zeros(value: &str) -> Option<String> {
    value.starts_with("{\"k\": ").then(|| value.replace('}', ".00}"))
}

fn uuid(n: usize) -> String {
    // Scattered, as they are.
    let x = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:08x}-{:04x}-4000-8000-{n:012x}", x >> 32, x & 0xffff)
}

const fn kind(source: &'static str, first: &'static [&'static str], more: fn(usize) -> String) -> Kind {
    Kind { source, target: &[], first, more, other: None, values: usize::MAX, key: true, wide: true }
}

const fn valued(source: &'static str, first: &'static [&'static str]) -> Kind {
    Kind { source, target: &[], first, more: never, other: None, values: first.len(), key: false, wide: false }
}

/// All of them.
pub const KINDS: &[Kind] = &[
    Kind { target: &["int8"], ..kind("int4", &["0", "-1", "1", "2147483647", "-2147483648"], |n| (n * 7).to_string()) },
    kind("int8", &["0", "-1", "4294967295", "4294967297", "5", "4294967300", "-9223372036854775808"], |n| {
        (n * 1_000_003).to_string()
    }),
    kind("int8", &["0"], |n| n.to_string()),
    Kind {
        target: &["varchar(90)"],
        ..kind("text", &["", " ", "a", "A", "a ", "é", "e\u{301}", "NULL", "\\N", "'", "\"", "{}", "1.0"], |n| {
            format!("t{n}")
        })
    },
    Kind { target: &["text", "varchar(30)"], ..kind("varchar(20)", &["", "x", "X"], |n| format!("v{n}")) },
    Kind { target: &["char(9)"], ..kind("char(7)", &["", "x", "X"], |n| format!("c{n}")) },
    Kind { key: false, ..kind("text COLLATE public.loose", &["a", "A", "á", ""], |n| format!("l{n}")) },
    kind("text COLLATE public.loose", &[""], |n| format!("l{n}")),
    kind("text COLLATE \"C\"", &["a", "B", "_"], |n| format!("{:x}", n * 31)),
    Kind {
        other: Some(zeros),
        ..kind("numeric", &["0", "NaN", "Infinity", "-Infinity", "5", "-5", "0.5", "50", "-0.5"], |n| format!("{n}.25"))
    },
    Kind {
        target: &["numeric(12,4)", "numeric"],
        key: false,
        ..kind("numeric(10,2)", &["0", "5", "-5", "NaN"], |n| format!("{n}.50"))
    },
    Kind {
        other: Some(negative_zero),
        ..kind("float8", &["0", "NaN", "Infinity", "-Infinity", "0.1", "0.10000000000000002", "-0.1"], |n| {
            format!("{n}.5")
        })
    },
    Kind {
        other: Some(negative_zero),
        key: false,
        ..kind("float4", &["0", "NaN", "1.5", "-1.5"], |n| format!("{}.5", n % 1_000_000))
    },
    kind("uuid", &["00000000-0000-0000-0000-000000000000"], uuid),
    kind("bytea", &["\\x", "\\x00", "\\x0000"], |n| format!("\\x{n:08x}")),
    Kind {
        key: false,
        other: Some(jsonb_zeros),
        ..kind(
            "jsonb",
            &[
                "{\"a\": 5}",
                "{\"a\": -5}",
                "[[1], 2]",
                "[[1, 2]]",
                "null",
                "{}",
                "{\"a\": {\"b\": 1}, \"c\": 2}",
                "{\"a\": {\"b\": 1, \"c\": 2}}",
            ],
            |n| format!("{{\"k\": {n}}}"),
        )
    },
    Kind { key: false, ..kind("json", &["{\"a\": 1}", "{\"a\":1}", "{\"a\": 1.0}", "null"], |n| format!("[{n}]")) },
    Kind {
        key: false,
        ..kind(
            "timestamptz",
            &["infinity", "-infinity", "2026-01-01 00:00:00+00", "2026-01-01 00:00:00.000001+00"],
            |n| {
                format!(
                    "2026-01-{:02} {:02}:{:02}:{:02}.{:06}+00",
                    2 + n % 20,
                    n / 20 % 24,
                    n / 480 % 60,
                    n / 28_800 % 60,
                    n
                )
            },
        )
    },
    Kind { key: false, ..kind("interval", &["1 mon", "30 days", "720:00"], |n| format!("{n} s")) },
    Kind {
        key: false,
        ..kind("int4[]", &["{}", "{1,2}", "{{1,2}}", "{NULL}", "{0}", "[0:1]={1,2}"], |n| format!("{{{n},NULL}}"))
    },
    Kind {
        key: false,
        ..kind("text[]", &["{}", "{NULL}", "{\"NULL\"}", "{\"\"}", "{a,b}", "{\"a,b\"}"], |n| format!("{{t{n}}}"))
    },
    Kind {
        key: false,
        other: Some(|v| v.starts_with("{0,").then(|| v.replace("{0,", "{-0,"))),
        ..kind("float8[]", &["{0,1}", "{NULL,1}", "{0.5,1}"], |n| format!("{{0,{n}.5}}"))
    },
    Kind { key: false, ..kind("int4range", &["empty", "(,)"], |n| format!("[{n},{})", n + 3)) },
    Kind {
        key: false,
        other: Some(|v| v.ends_with(".5)").then(|| v.replace(".5)", ".500)"))),
        ..kind("numrange", &["empty", "[-5,5]", "[5,5]"], |n| format!("[1,{n}.5)"))
    },
    Kind {
        key: false,
        ..kind("inet", &["10.0.0.0/8", "10.0.0.0", "::1"], |n| {
            format!("10.{}.{}.{}", n >> 16 & 255, n >> 8 & 255, n & 255)
        })
    },
    Kind { key: false, ..kind("public.duo", &["(,)", "(0,)", "(0,\"\")"], |n| format!("({n},x)")) },
    Kind { key: true, ..valued("public.mood", &["sad", "ok", "glad"]) },
    Kind { key: true, ..valued("bool", &["false", "true"]) },
    valued("date", &["infinity", "2026-01-01", "2026-01-02", "4000-01-01 BC"]),
    valued("\"char\"", &["a", "b", ""]),
    valued("xml", &["<a/>", "<a></a>", "<b/>"]),
    valued("pg_lsn", &["A/B", "B/A"]),
    valued("bit(2)", &["00", "01", "10"]),
];
