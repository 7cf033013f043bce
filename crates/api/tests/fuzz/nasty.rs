//! What a page, a script or a person who means harm can put in the place of anything.

use serde_json::{Value, json};

/// Values that fit nowhere, or fit and should not be there.
pub fn values() -> Vec<Value> {
    let texts = [
        "",
        " ",
        "\t\n",
        "nul\0byte",
        "a\"b'c`d",
        "'; DROP TABLE journal; --",
        "$1 %s {} {{0}} %n \\x00 \\",
        "../../etc/passwd",
        "/dev/zero",
        "\u{202e}desrever\u{feff}",
        "Ünïcödé 名前 🚂",
        "\u{1b}[31mred\u{7}",
        "postgres://u:p@h:1/d?sslmode=disable",
        "-1",
        "NaN",
        "9999999999999999999999999",
    ];
    let mut all: Vec<Value> = texts.into_iter().map(Value::from).collect();
    all.push(Value::from("x".repeat(100_000)));
    all.extend([
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(1),
        json!(255),
        json!(65_536),
        json!(u32::MAX),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(0.5),
        json!(-1e308),
        json!([]),
        json!({}),
        json!([null, [], {}]),
        json!({ "command": "switch_writes", "kind": "haproxy", "name": 1 }),
        deep(60),
    ]);
    all
}

/// A value inside of a value, so many times.
fn deep(levels: usize) -> Value {
    (0..levels).fold(json!("end"), |inner, _| json!([inner]))
}

/// The place of every value in a document, the document itself first.
pub fn places(of: &Value) -> Vec<String> {
    let mut all = vec![String::new()];
    match of {
        Value::Object(fields) => {
            for (name, inner) in fields {
                all.extend(
                    places(inner).into_iter().map(|p| format!("/{}{p}", name.replace('~', "~0").replace('/', "~1"))),
                );
            }
        }
        Value::Array(items) => {
            for (i, inner) in items.iter().enumerate() {
                all.extend(places(inner).into_iter().map(|p| format!("/{i}{p}")));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    all
}

/// The document with another value in a place; None takes away what is there.
pub fn with(document: &Value, place: &str, value: Option<Value>) -> Value {
    let mut changed = document.clone();
    match (value, place.rsplit_once('/')) {
        (Some(value), _) => {
            if let Some(there) = changed.pointer_mut(place) {
                *there = value;
            }
        }
        (None, Some((parent, name))) => match changed.pointer_mut(parent) {
            Some(Value::Object(fields)) => {
                fields.remove(&name.replace("~1", "/").replace("~0", "~"));
            }
            Some(Value::Array(items)) => {
                let _ = name.parse().ok().filter(|i: &usize| *i < items.len()).map(|i| items.remove(i));
            }
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => {}
        },
        (None, None) => changed = Value::Null,
    }
    changed
}
