//! One case: a point, a fault, and for how long it lasts. Follows from its seed alone.

use std::{fmt, time::Duration};

use crate::{fault::Fault, point::Point};

/// What one run does.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub seed: u64,
    pub point: Point,
    pub fault: Fault,
    /// For how long what can be mended stays broken.
    pub lasts: Duration,
}

impl Case {
    /// The case of a seed.
    pub fn of(seed: u64) -> Case {
        let mut dice = Dice::of(seed);
        let point = dice.one_of(&Point::all());
        let fault = Fault::draw(&mut dice);
        let lasts = Duration::from_millis(dice.one_of(&[300, 800, 1_500, 3_000, 5_000, 8_000]));
        Case { seed, point, fault, lasts }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}, {}", self.point, self.fault)?;
        if self.fault.lasts() {
            write!(f, ", for {:?}", self.lasts)?;
        }
        Ok(())
    }
}

/// A generator whose numbers never change with a library (splitmix64): a kept seed has to mean the same for ever.
pub struct Dice(u64);

impl Dice {
    pub fn of(seed: u64) -> Dice {
        Dice(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Short enough to be typed.
    pub fn seed(&mut self) -> u64 {
        self.next() % 1_000_000_000
    }

    /// One of these; new ones are added at the end, or kept seeds change their meaning.
    pub fn one_of<T: Clone>(&mut self, these: &[T]) -> T {
        let index = usize::try_from(self.next() % these.len() as u64).unwrap();
        these[index].clone()
    }
}
