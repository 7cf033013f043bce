//! Whether two definitions that servers wrote from their parse trees say the same.
//!
//! Servers of different versions, and one server before and after a dump, spell one definition differently. Known and
//! levelled here: white space; a relation's name before a column where it is not needed, and AS before an alias (both left
//! out since PostgreSQL 16); a cast around an array that becomes a cast of each element when it is read again. Nothing else is.

/// Whether two definitions are the same; `lenient` where two major versions wrote them.
pub(super) fn same(a: &str, b: &str, lenient: bool) -> bool {
    if a == b {
        return true;
    }
    let (a, b) = (level_arrays(tokens(a)), level_arrays(tokens(b)));
    if lenient { same_but_words(&a, &b) } else { a == b }
}

/// Whether two constants are the same but for a cast at their end.
pub(super) fn same_constant(a: &str, b: &str, lenient: bool) -> bool {
    same(a, b, lenient) || constant(a).is_some_and(|x| constant(b) == Some(x))
}

/// `'x'` of `'x'::text`.
fn constant(text: &str) -> Option<String> {
    let parts = tokens(text);
    let (first, rest) = parts.split_first()?;
    (first.starts_with('\'') && rest.first().is_some_and(|t| t == "::") && !rest[1..].iter().any(|t| t == "::"))
        .then(|| first.clone())
}

fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let end = token_end(&chars, at);
        let token: String = chars[at..end].iter().collect();
        if !token.trim().is_empty() {
            out.push(token);
        }
        at = end;
    }
    out
}

fn token_end(chars: &[char], at: usize) -> usize {
    match chars[at] {
        q @ ('\'' | '"') => quoted_end(chars, at, q, at > 0 && matches!(chars[at - 1], 'E' | 'e') && q == '\''),
        ':' if chars.get(at + 1) == Some(&':') => at + 2,
        c if is_word(c) => (at..chars.len()).find(|&i| !is_word(chars[i])).unwrap_or(chars.len()),
        _ => at + 1,
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// After the closing quote; a doubled one, and after E a backslash, does not close.
fn quoted_end(chars: &[char], at: usize, quote: char, escapes: bool) -> usize {
    let mut i = at + 1;
    while i < chars.len() {
        if (escapes && chars[i] == '\\') || (chars[i] == quote && chars.get(i + 1) == Some(&quote)) {
            i += 2;
        } else if chars[i] == quote {
            return i + 1;
        } else {
            i += 1;
        }
    }
    chars.len()
}

/// `(ARRAY[a, b])::T[]` as `ARRAY[(a)::T, (b)::T]`, which is what a server makes of it when it reads it.
fn level_arrays(tokens: Vec<String>) -> Vec<String> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        match array_cast(&tokens, at) {
            Some((elements, cast, end)) => {
                out.extend(["ARRAY".to_owned(), "[".to_owned()]);
                for (n, element) in elements.iter().enumerate() {
                    if n > 0 {
                        out.push(",".into());
                    }
                    out.push("(".into());
                    out.extend(element.iter().cloned());
                    out.extend([")".to_owned(), "::".to_owned()]);
                    out.extend(cast.iter().cloned());
                }
                out.push("]".into());
                at = end;
            }
            None => {
                out.push(tokens[at].clone());
                at += 1;
            }
        }
    }
    out
}

type ArrayCast<'a> = (Vec<&'a [String]>, &'a [String], usize);

fn array_cast(tokens: &[String], at: usize) -> Option<ArrayCast<'_>> {
    let is = |i: usize, text: &str| tokens.get(i).is_some_and(|t| t == text);
    if !(is(at, "(") && is(at + 1, "ARRAY") && is(at + 2, "[")) {
        return None;
    }
    let mut elements = Vec::new();
    let (mut depth, mut from, mut i) = (0, at + 3, at + 3);
    loop {
        match tokens.get(i)?.as_str() {
            "(" | "[" => depth += 1,
            "]" if depth == 0 => break,
            ")" | "]" => depth -= 1,
            "," if depth == 0 => {
                elements.push(&tokens[from..i]);
                from = i + 1;
            }
            _ => {}
        }
        i += 1;
    }
    elements.push(&tokens[from..i]);
    if !(is(i + 1, ")") && is(i + 2, "::")) {
        return None;
    }
    // The type's name up to its first bracket.
    let brackets = (i + 3..tokens.len().min(i + 16)).find(|&k| is(k, "[") && is(k + 1, "]"))?;
    let cast = &tokens[i + 3..brackets];
    let plain = cast.iter().all(|t| t != ")" || cast.iter().any(|t| t == "("));
    plain.then_some((elements, cast, brackets + 2))
}

/// Walks both, stepping over `name .`, and over AS, on one side where the other has only what follows it.
fn same_but_words(a: &[String], b: &[String]) -> bool {
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        let (qa, qb) = (is_qualifier(a, i), is_qualifier(b, j));
        if qa && !qb && a.get(i + 2) == b.get(j) {
            i += 2;
        } else if qb && !qa && b.get(j + 2) == a.get(i) {
            j += 2;
        } else if a[i] == "AS" && a.get(i + 1) == b.get(j) {
            i += 1;
        } else if b[j] == "AS" && b.get(j + 1) == a.get(i) {
            j += 1;
        } else if a[i] == b[j] {
            i += 1;
            j += 1;
        } else {
            return false;
        }
    }
    i == a.len() && j == b.len()
}

fn is_qualifier(tokens: &[String], at: usize) -> bool {
    let names = tokens[at].chars().next().is_some_and(|c| c == '"' || c == '_' || c.is_alphabetic());
    names && tokens.get(at + 1).is_some_and(|t| t == ".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_needed_makes_no_difference_between_versions() {
        let (old, new) = (
            " SELECT p.id,\n    p.n\n   FROM public.p p\n  GROUP BY p.id;",
            " SELECT id,\n    n\n   FROM public.p p\n  GROUP BY id;",
        );
        assert!(same(old, new, true));
        assert!(!same(old, new, false), "one version spells one way");
        assert!(
            !same("SELECT a.x FROM t a, t b", "SELECT b.x FROM t a, t b", true),
            "another relation's column is another column"
        );
        assert!(!same("SELECT a.x", "SELECT y", true));
        assert!(same("SELECT t.t FROM s.t t", "SELECT t FROM s.t t", true), "a column may be named like its table");
    }

    #[test]
    fn an_array_that_was_read_again_is_the_same() {
        let first = "CHECK (((s)::text = ANY ((ARRAY['a'::character varying, 'b,c'::character varying])::text[])))";
        let again =
            "CHECK (((s)::text = ANY (ARRAY[('a'::character varying)::text, ('b,c'::character varying)::text])))";
        assert!(same(first, again, false));
        assert!(!same(first, &again.replace("'a'", "'x'"), false));
    }

    #[test]
    fn spaces_inside_quotes_count() {
        assert!(!same("SELECT 'a b'", "SELECT 'a  b'", true));
        assert!(!same("SELECT \"a b\"", "SELECT \"a  b\"", true));
        assert!(!same("SELECT 'it''s'", "SELECT 'its'", true));
    }

    #[test]
    fn a_constant_is_the_same_whatever_type_it_is_cast_to() {
        assert!(same_constant("'x'::text", "'x'::character varying", false));
        assert!(!same_constant("'x'::text", "'y'::text", false));
        assert!(!same_constant("('1'::text)::integer", "'1'::text", false), "a cast of a cast may change the value");
    }
}
