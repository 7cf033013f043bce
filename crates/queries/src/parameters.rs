//! Values of a statement's parameters, as the server lists them in its log.

/// Reads `$1 = '5', $2 = NULL`, with quotes in values doubled; stops where the list ends, since more may follow in a context. None
/// where the list is torn or leaves a number out: a statement run with half of its values would be another one.
///
/// `log_parameter_max_length` cuts values with `...` inside the quotes, which a value may also have of itself: a value that ends so
/// is as it stands, and [`may_be_cut`] tells.
pub fn values(list: &str) -> Option<Vec<Option<String>>> {
    let mut values = Vec::new();
    let mut rest = list.trim_start();
    while let Some(more) = rest.strip_prefix('$') {
        let (number, more) = more.split_once(" = ")?;
        if number.parse::<usize>().ok()? != values.len() + 1 {
            return None;
        }
        let (value, more) = value(more)?;
        values.push(value);
        match more.strip_prefix(", ") {
            Some(more) if more.starts_with('$') => rest = more,
            _ => break,
        }
    }
    Some(values)
}

/// Whether the server may have cut one of them.
pub fn may_be_cut(values: &[Option<String>]) -> bool {
    values.iter().flatten().any(|v| v.ends_with("..."))
}

/// One value, and what follows it.
fn value(text: &str) -> Option<(Option<String>, &str)> {
    if let Some(rest) = text.strip_prefix("NULL") {
        return Some((None, rest));
    }
    let mut rest = text.strip_prefix('\'')?;
    let mut value = String::new();
    loop {
        let end = rest.find('\'')?;
        value.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(more) => {
                value.push('\'');
                rest = more;
            }
            None => return Some((Some(value), rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(list: &str) -> Option<Vec<Option<String>>> {
        values(list)
    }

    fn some(value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    #[test]
    fn values_are_read_as_the_server_writes_them() {
        assert_eq!(read("$1 = '5', $2 = NULL"), Some(vec![some("5"), None]));
        assert_eq!(read("$1 = 'it''s', $2 = ''"), Some(vec![some("it's"), some("")]), "quotes are doubled");
        assert_eq!(read("$1 = 'a\nb, $2 = ''x'''"), Some(vec![some("a\nb, $2 = 'x'")]), "a value may look like a list");
        assert_eq!(read("$1 = 'NULL'"), Some(vec![some("NULL")]), "a text is no NULL");
        assert_eq!(read(""), Some(vec![]));
    }

    #[test]
    fn what_follows_the_list_is_not_part_of_it() {
        assert_eq!(read("$1 = '5'\nPL/pgSQL function f() line 3"), Some(vec![some("5")]), "a context has more lines");
    }

    #[test]
    fn half_a_list_is_no_list() {
        for torn in ["$1 = '5", "$1 = ", "$1", "$2 = '5'", "$1 = '5', $3 = '6'", "$x = '1'"] {
            assert_eq!(read(torn), None, "{torn}");
        }
    }

    #[test]
    fn a_value_that_may_be_cut_is_told() {
        assert!(may_be_cut(&read("$1 = '5', $2 = 'long text...'").unwrap()));
        assert!(!may_be_cut(&read("$1 = '...5', $2 = NULL").unwrap()));
    }
}
