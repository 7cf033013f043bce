//! Scripts as pgbench reads them: statements that end with a semicolon, `\set` and `\sleep` on lines of their own, `:name` for a
//! variable. Variables are numbers, so a value in a statement is never more than a number.

mod expression;
mod reader;
mod statement;

use std::{collections::BTreeMap, time::Duration};

use rand::Rng;

pub use expression::{Expression, Number};
pub use statement::Statement;

/// Values by name.
pub type Variables = BTreeMap<String, Number>;

/// One thing that a script does.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Gives a variable a value.
    Set {
        /// Its name, without a colon.
        name: String,
        /// What it becomes.
        value: Expression,
    },
    /// Waits.
    Sleep {
        /// How much of the unit.
        much: Expression,
        /// Microseconds that one of the unit is.
        unit_us: u32,
    },
    /// Asks the server.
    Ask(Statement),
    /// Asks the server what somebody else had asked, with the values of then.
    Given {
        /// The statement, with `$1` for its parameters.
        text: String,
        /// Their values.
        parameters: Vec<Option<String>>,
    },
}

/// A script: what one transaction of the load does.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// For people.
    pub name: String,
    /// What it does, in order; at least one statement.
    pub steps: Vec<Step>,
}

/// A step with its variables filled in.
#[derive(Debug, Clone, PartialEq)]
pub enum Act<'a> {
    /// Ask this.
    Ask(String),
    /// Ask this with these values.
    Given(&'a str, &'a [Option<String>]),
    /// Wait so long.
    Wait(Duration),
    /// Nothing is left to be done.
    Nothing,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// A sentence that names the line and what is wrong with it.
    pub fn read(name: &str, text: &str) -> Result<Script, String> {
        let steps = reader::steps(text).map_err(|(line, why)| format!("{name}, line {line}: {why}"))?;
        if !steps.iter().any(|s| matches!(s, Step::Ask(_))) {
            return Err(format!("{name} has no statement: write SQL that ends with a semicolon."));
        }
        Ok(Script { name: name.to_owned(), steps })
    }

    /// How many statements one transaction has.
    pub fn statements(&self) -> usize {
        self.steps.iter().filter(|s| matches!(s, Step::Ask(_) | Step::Given { .. })).count()
    }
}

impl Step {
    /// Fills in what the variables are now.
    ///
    /// # Errors
    /// A sentence when an expression cannot be worked out: a division by zero, a range that is empty, an overflow.
    pub fn act(&self, variables: &mut Variables, rng: &mut impl Rng) -> Result<Act<'_>, String> {
        match self {
            Step::Set { name, value } => {
                let value = value.value(variables, rng)?;
                variables.insert(name.clone(), value);
                Ok(Act::Nothing)
            }
            Step::Sleep { much, unit_us } => {
                let seconds = much.value(variables, rng)?.float() * f64::from(*unit_us) / 1e6;
                let wait = Duration::try_from_secs_f64(seconds)
                    .map_err(|_| format!("\\sleep for {seconds} s is not a time that can be waited for."))?;
                Ok(Act::Wait(wait))
            }
            Step::Ask(statement) => Ok(Act::Ask(statement.filled(variables))),
            Step::Given { text, parameters } => Ok(Act::Given(text, parameters)),
        }
    }
}

/// Scripts with how often each is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Mix {
    /// With the sum of all weights up to and with its own.
    scripts: Vec<(Script, u32)>,
    whole: u32,
}

impl Mix {
    /// Of scripts and their weights.
    ///
    /// # Errors
    /// A sentence when nothing would ever be drawn, or the weights are beyond counting.
    pub fn of(scripts: Vec<(Script, u32)>) -> Result<Mix, String> {
        let (mut upto, mut whole) = (Vec::with_capacity(scripts.len()), Some(0_u32));
        for (script, weight) in scripts {
            whole = whole.and_then(|sum| sum.checked_add(weight));
            upto.push((script, whole.unwrap_or_default()));
        }
        match whole {
            None => Err("The weights of the scripts add up to more than can be counted: make them smaller.".to_owned()),
            Some(0) => Err("Nothing would be run: give a script with a weight above 0.".to_owned()),
            Some(whole) => Ok(Mix { scripts: upto, whole }),
        }
    }

    /// The next script.
    pub fn draw(&self, rng: &mut impl Rng) -> &Script {
        let at = rng.random_range(0..self.whole);
        // The last sum is `whole`, so one of them is above.
        let place = self.scripts.partition_point(|(_, upto)| *upto <= at);
        &self.scripts[place].0
    }

    /// All of them.
    pub fn scripts(&self) -> impl Iterator<Item = &Script> {
        self.scripts.iter().map(|(script, _)| script)
    }
}

#[cfg(test)]
mod tests;
