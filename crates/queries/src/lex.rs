//! PostgreSQL's lexical rules: a text into tokens. Total: what does not end (a string, a comment) ends with the text.
//!
//! Must never fail or panic, whatever the text: statements come from logs that are cut anywhere.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A word that is not quoted: a keyword or a name.
    Word,
    /// A name in double quotes.
    Quoted,
    /// A number, a string of any form, or a parameter.
    Constant,
    /// An operator.
    Operator,
    /// One of `( ) [ ] , ; . :` or a character that has no meaning.
    Mark,
}

/// A token and where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
}

impl Token<'_> {
    /// Whether it is this word, in whatever case.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    pub(crate) fn is_mark(&self, mark: &str) -> bool {
        self.kind == Kind::Mark && self.text == mark
    }
}

/// All tokens, without white space and comments.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0 };
    std::iter::from_fn(move || lexer.next()).collect()
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        self.skip();
        let start = self.at;
        let first = *self.bytes.get(start)?;
        let kind = match first {
            b'\'' => self.string(false),
            b'"' => self.quoted(),
            b'$' => self.dollar(),
            b'0'..=b'9' => self.number(),
            b'.' if self.peek(1).is_some_and(|b| b.is_ascii_digit()) => self.number(),
            b if is_operator(b) => self.operator(),
            b if is_word_start(b) => self.word(),
            _ => self.mark(),
        };
        // Every rule stops at an ASCII byte or at the end, so this is a boundary.
        Some(Token { kind, text: self.text.get(start..self.at).unwrap_or_default() })
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn begins(&self, with: &[u8]) -> bool {
        self.bytes[self.at..].starts_with(with)
    }

    /// White space and comments; those in `/* */` nest.
    fn skip(&mut self) {
        loop {
            match self.peek(0) {
                Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c) => self.at += 1,
                Some(b'-') if self.begins(b"--") => {
                    self.at += self.bytes[self.at..].iter().take_while(|b| !matches!(b, b'\n' | b'\r')).count();
                }
                Some(b'/') if self.begins(b"/*") => self.comment(),
                Some(_) | None => return,
            }
        }
    }

    fn comment(&mut self) {
        let mut depth = 0_usize;
        while self.at < self.bytes.len() {
            if self.begins(b"/*") {
                (self.at, depth) = (self.at + 2, depth + 1);
            } else if self.begins(b"*/") {
                (self.at, depth) = (self.at + 2, depth - 1);
                if depth == 0 {
                    return;
                }
            } else {
                self.at += 1;
            }
        }
    }

    /// From its quote to the end; in the `E''` form a backslash takes the next character's meaning away.
    fn string(&mut self, escapes: bool) -> Kind {
        self.at += 1;
        while let Some(b) = self.peek(0) {
            match b {
                b'\\' if escapes => self.at += 2,
                b'\'' if self.peek(1) == Some(b'\'') => self.at += 2,
                b'\'' => {
                    self.at += 1;
                    return Kind::Constant;
                }
                _ => self.at += 1,
            }
        }
        self.take_rest()
    }

    fn quoted(&mut self) -> Kind {
        self.at += 1;
        while let Some(b) = self.peek(0) {
            self.at += 1;
            if b == b'"' {
                if self.peek(0) != Some(b'"') {
                    return Kind::Quoted;
                }
                self.at += 1;
            }
        }
        self.at = self.bytes.len();
        Kind::Quoted
    }

    fn take_rest(&mut self) -> Kind {
        self.at = self.bytes.len();
        Kind::Constant
    }

    /// `$1`, `$tag$…$tag$`, or a lonely dollar.
    fn dollar(&mut self) -> Kind {
        let rest = &self.bytes[self.at + 1..];
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        if digits > 0 {
            self.at += 1 + digits;
            return Kind::Constant;
        }
        let tag = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_' || **b >= 0x80).count();
        if rest.get(tag) != Some(&b'$') {
            return self.mark();
        }
        let end = self.at + tag + 2;
        let delimiter = &self.text[self.at..end];
        match self.text[end..].find(delimiter) {
            Some(found) => {
                self.at = end + found + delimiter.len();
                Kind::Constant
            }
            None => {
                self.at = end;
                self.take_rest()
            }
        }
    }

    /// Integers of every base, decimals and exponents, with underscores. What is stuck to it is taken with it.
    fn number(&mut self) -> Kind {
        while let Some(b) = self.peek(0) {
            let exponent = matches!(self.bytes[self.at - usize::from(self.at > 0)], b'e' | b'E');
            let goes_on = b.is_ascii_alphanumeric()
                || b == b'_'
                || b == b'.' && self.peek(1) != Some(b'.')
                || matches!(b, b'+' | b'-') && exponent && self.peek(1).is_some_and(|d| d.is_ascii_digit());
            if !goes_on {
                break;
            }
            self.at += 1;
        }
        Kind::Constant
    }

    fn word(&mut self) -> Kind {
        let rest = &self.bytes[self.at..];
        match rest {
            [b'e' | b'E', b'\'', ..] => return self.prefixed(1, true),
            [b'b' | b'B' | b'x' | b'X' | b'n' | b'N', b'\'', ..] => return self.prefixed(1, false),
            [b'u' | b'U', b'&', b'\'', ..] => return self.prefixed(2, false),
            [b'u' | b'U', b'&', b'"', ..] => {
                self.at += 2;
                return self.quoted();
            }
            _ => {}
        }
        self.at += rest.iter().take_while(|b| is_word_start(**b) || b.is_ascii_digit() || **b == b'$').count();
        Kind::Word
    }

    fn prefixed(&mut self, length: usize, escapes: bool) -> Kind {
        self.at += length;
        self.string(escapes)
    }

    /// As long as it can be, up to a comment; a trailing sign is the next token's where the server says so.
    fn operator(&mut self) -> Kind {
        let rest = &self.bytes[self.at..];
        let mut length = rest.iter().take_while(|b| is_operator(**b)).count();
        let run = &rest[..length];
        if let Some(comment) = run.windows(2).position(|w| w == b"--" || w == b"/*") {
            length = comment.max(1);
        }
        let keeps_sign = run[..length].iter().any(|b| b"~!@#%^&|`?".contains(b));
        while length > 1 && !keeps_sign && matches!(run[length - 1], b'+' | b'-') {
            length -= 1;
        }
        self.at += length;
        Kind::Operator
    }

    fn mark(&mut self) -> Kind {
        self.at += if self.begins(b"::") || self.begins(b":=") { 2 } else { 1 };
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
        Kind::Mark
    }
}

fn is_operator(b: u8) -> bool {
    b"+-*/<>=~!@#%^&|`?".contains(&b)
}

fn is_word_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        tokens(text).into_iter().map(|t| t.text).collect()
    }

    #[test]
    fn the_servers_rules_hold() {
        assert_eq!(texts("a /* x /* y */ z */ --c\n b"), ["a", "b"], "comments nest");
        assert_eq!(texts(r"'it''s' E'\'' $q$ ' $q$ U&'x' B'1'"), ["'it''s'", r"E'\''", "$q$ ' $q$", "U&'x'", "B'1'"]);
        assert_eq!(texts("1.5e-3 .5 0x1F 1_000 $12"), ["1.5e-3", ".5", "0x1F", "1_000", "$12"]);
        assert_eq!(texts("a<=-1 b@-c d->>e"), ["a", "<=", "-", "1", "b", "@-", "c", "d", "->>", "e"], "trailing signs");
        assert_eq!(texts("x::int a.b [1]"), ["x", "::", "int", "a", ".", "b", "[", "1", "]"]);
        assert_eq!(texts("'cut"), ["'cut"], "what does not end ends with the text");
        assert_eq!(texts("E'\\"), ["E'\\"], "a backslash at the end has nothing to take");
    }
}
