//! Numbers that a seed decides.

/// SplitMix64: every seed is good, also neighbours.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i + 1));
        }
    }

    /// A name that needs quotes, of at most 63 bytes, different for each `n`.
    pub fn name(&mut self, n: usize) -> String {
        const LETTERS: [char; 20] =
            ['a', 'B', 'z', '_', ' ', '"', '\'', '\\', '$', '%', 'ä', 'ß', '漢', '🐘', '.', ';', '-', '(', ',', '1'];
        let mut name = format!("{n}");
        let length = if self.percent(20) { 63 } else { 1 + self.below(12) };
        while name.len() < length {
            let letter = *self.pick(&LETTERS);
            if name.len() + letter.len_utf8() > 63 {
                break;
            }
            name.push(letter);
        }
        name
    }
}
