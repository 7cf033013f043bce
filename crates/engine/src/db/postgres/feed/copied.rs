//! Rows of one column as `COPY … TO STDOUT (FORMAT binary)` sends them. Pure.
//!
//! Source of the format: the PostgreSQL manual, "COPY", "Binary Format". Owns the bytes of a row that has not come whole.

/// Signature, flags and the length of an extension, which no version has.
const HEADER: usize = 11 + 4 + 4;

/// Reads one answer.
#[derive(Default)]
pub(super) struct Copied {
    begun: bool,
    /// What came of the next row.
    rest: Vec<u8>,
}

impl Copied {
    /// Takes a chunk; calls `each` with the value of every row that is whole by now. A NULL is no value.
    pub(super) fn push(&mut self, chunk: &[u8], mut each: impl FnMut(&[u8])) {
        if self.rest.is_empty() {
            let left = self.read(chunk, &mut each);
            self.rest.extend_from_slice(left);
        } else {
            let mut whole = std::mem::take(&mut self.rest);
            whole.extend_from_slice(chunk);
            self.rest = self.read(&whole, &mut each).to_vec();
        }
    }

    /// Reads what is whole; returns the rest.
    fn read<'a>(&mut self, mut bytes: &'a [u8], each: &mut impl FnMut(&[u8])) -> &'a [u8] {
        if !self.begun {
            let Some(rows) = bytes.get(HEADER..) else { return bytes };
            self.begun = true;
            bytes = rows;
        }
        while let Some((value, rest)) = row(bytes) {
            value.into_iter().for_each(&mut *each);
            bytes = rest;
        }
        bytes
    }
}

/// One row of one column, and what is behind it; None where it is not whole, and at the end.
fn row(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (columns, rest) = bytes.split_first_chunk::<2>()?;
    if i16::from_be_bytes(*columns) != 1 {
        return None;
    }
    let (length, rest) = rest.split_first_chunk::<4>()?;
    match usize::try_from(i32::from_be_bytes(*length)) {
        Ok(length) => rest.split_at_checked(length).map(|(value, rest)| (Some(value), rest)),
        Err(_) => Some((None, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(values: &[Option<&[u8]>]) -> Vec<u8> {
        let mut out = b"PGCOPY\n\xff\r\n\0".to_vec();
        out.extend([0; 8]);
        for value in values {
            out.extend(1_i16.to_be_bytes());
            match value {
                Some(value) => {
                    out.extend((value.len() as i32).to_be_bytes());
                    out.extend_from_slice(value);
                }
                None => out.extend((-1_i32).to_be_bytes()),
            }
        }
        out.extend((-1_i16).to_be_bytes());
        out
    }

    fn read(chunks: impl Iterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
        let (mut copied, mut out) = (Copied::default(), Vec::new());
        chunks.for_each(|chunk| copied.push(&chunk, |value| out.push(value.to_vec())));
        out
    }

    #[test]
    fn the_same_rows_come_out_wherever_the_answer_is_cut() {
        let whole = answer(&[Some(b"a"), None, Some(b""), Some(&[7; 300])]);
        let wanted = vec![b"a".to_vec(), Vec::new(), vec![7; 300]];
        for size in 1..=whole.len() {
            let chunks = whole.chunks(size).map(<[u8]>::to_vec);
            assert_eq!(read(chunks), wanted, "cut every {size} bytes: a NULL is left out, an empty value is one");
        }
        for at in 0..whole.len() {
            let (a, b) = whole.split_at(at);
            assert_eq!(read([a.to_vec(), b.to_vec()].into_iter()), wanted, "cut at {at}");
        }
    }

    #[test]
    fn no_rows_are_none() {
        assert!(read([answer(&[])].into_iter()).is_empty(), "the end is no row");
        assert!(read(std::iter::empty()).is_empty(), "nor is nothing at all");
    }
}
