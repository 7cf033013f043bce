//! What a person is told: one sentence, what to do, and the exit code.

use std::process::Output;

use serde_json::Value;

/// Words that come from a library and say nothing to a DBA.
const RAW: [&str; 5] = ["os error", "error returned from database", "(code:", "Err(", "unwrap"];

/// Everything that was printed.
pub fn all(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned() + &String::from_utf8_lossy(&out.stdout)
}

/// The answer's sentence and its remedy, which some answers hold in the sentence.
fn told(out: &Output) -> (String, String) {
    let text = String::from_utf8_lossy(&out.stdout);
    let answer: Value = serde_json::from_str(text.lines().last().unwrap_or_default())
        .unwrap_or_else(|e| panic!("no JSON on stdout ({e}): {}", all(out)));
    let word = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    if answer["error"].is_object() {
        return (word(&answer["error"]["message"]), word(&answer["error"]["remedy"]));
    }
    if answer["result"].is_object() {
        let result = &answer["result"];
        return (word(if result["why"].is_string() { &result["why"] } else { &result["summary"] }), String::new());
    }
    (word(&answer["sentence"]), word(&answer["remedy"]))
}

/// The answer has this exit code, reads as sentences, and names each of these.
#[track_caller]
pub fn expect(out: &Output, code: i32, names: &[&str]) {
    assert_eq!(out.status.code(), Some(code), "{}", all(out));
    let (sentence, remedy) = told(out);
    let text = format!("{sentence} {remedy}");
    for name in names {
        assert!(text.contains(name), "the sentence has to name “{name}”: {text}");
    }
    for part in [&sentence, &remedy] {
        let begins_well = part.chars().next().is_none_or(|c| !c.is_lowercase());
        assert!(begins_well, "a sentence begins with a capital: {part}");
        assert!(part.is_empty() || part.ends_with(['.', '?', ')']), "a sentence ends: {part}");
    }
    assert!(!sentence.is_empty(), "somebody is told something");
    for raw in RAW {
        assert!(!text.contains(raw), "“{raw}” is a library's word: {text}");
    }
}
