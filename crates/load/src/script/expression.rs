//! Expressions of `\set`: numbers, variables, `+ - * / %`, parentheses and the functions that draw keys as an application does.

use std::{fmt, iter::Peekable, str::CharIndices};

use rand::Rng;

use super::Variables;

/// How many values an expression may have, so that nobody's script exhausts the stack.
const MOST: u32 = 200;

/// A value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A whole number.
    Whole(i64),
    /// Any other.
    Float(f64),
}

impl Number {
    /// As a floating-point number.
    pub fn float(self) -> f64 {
        match self {
            Number::Whole(n) => n as f64,
            Number::Float(x) => x,
        }
    }

    fn whole(self, of: &str) -> Result<i64, String> {
        match self {
            Number::Whole(n) => Ok(n),
            Number::Float(x) if x.fract() == 0.0 && x.abs() < 9e15 => Ok(x as i64),
            Number::Float(x) => Err(format!("{of} takes whole numbers, and {x} is none: write int({x}).")),
        }
    }
}

impl fmt::Display for Number {
    /// As SQL reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Whole(n) => write!(f, "{n}"),
            Number::Float(x) if x.is_finite() => write!(f, "{x:?}"),
            Number::Float(_) => f.write_str("NULL"),
        }
    }
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A number as it is written.
    Number(Number),
    /// A variable's value.
    Variable(String),
    /// The negative of one.
    Minus(Box<Expression>),
    /// Two, worked out.
    Of(Operator, Box<Expression>, Box<Expression>),
    /// A function of some.
    Call(Function, Vec<Expression>),
}

/// What joins two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Plus,
    /// `-`
    Less,
    /// `*`
    Times,
    /// `/`; of whole numbers towards zero.
    By,
    /// `%`
    Rest,
}

/// What is worked out of some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `random(from, to)`: every whole number alike, both ends with it.
    Random,
    /// `random_exponential(from, to, parameter)`: early numbers more often.
    Exponential,
    /// `random_gaussian(from, to, parameter)`: those in the middle more often.
    Gaussian,
    /// `random_zipfian(from, to, parameter)`: the first far more often than the second, and so on.
    Zipfian,
    /// `abs(x)`
    Abs,
    /// `int(x)`: without its fraction.
    Int,
    /// `double(x)`
    Double,
    /// `sqrt(x)`
    Sqrt,
    /// `least(x, …)`
    Least,
    /// `greatest(x, …)`
    Greatest,
}

impl Function {
    const ALL: [(&'static str, Function, usize); 10] = [
        ("random", Function::Random, 2),
        ("random_exponential", Function::Exponential, 3),
        ("random_gaussian", Function::Gaussian, 3),
        ("random_zipfian", Function::Zipfian, 3),
        ("abs", Function::Abs, 1),
        ("int", Function::Int, 1),
        ("double", Function::Double, 1),
        ("sqrt", Function::Sqrt, 1),
        ("least", Function::Least, 1),
        ("greatest", Function::Greatest, 1),
    ];
}

impl Expression {
    /// Reads one.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub fn read(text: &str) -> Result<Expression, String> {
        let mut reader = Reader { text, chars: text.char_indices().peekable(), values: 0 };
        let whole = reader.sum()?;
        match reader.next_sign() {
            None => Ok(whole),
            Some(c) => Err(format!("“{c}” is one too many in “{}”.", text.trim())),
        }
    }

    /// Works it out.
    ///
    /// # Errors
    /// A sentence: a variable without a value, a division by zero, an empty range, a number beyond 64 bits.
    pub fn value(&self, variables: &Variables, rng: &mut impl Rng) -> Result<Number, String> {
        match self {
            Expression::Number(n) => Ok(*n),
            Expression::Variable(name) => variables
                .get(name)
                .copied()
                .ok_or_else(|| format!("The variable :{name} has no value: \\set it before.")),
            Expression::Minus(of) => match of.value(variables, rng)? {
                Number::Whole(n) => n.checked_neg().map(Number::Whole).ok_or_else(too_large),
                Number::Float(x) => Ok(Number::Float(-x)),
            },
            Expression::Of(operator, a, b) => joined(*operator, a.value(variables, rng)?, b.value(variables, rng)?),
            Expression::Call(function, arguments) => {
                let values: Result<Vec<Number>, String> = arguments.iter().map(|a| a.value(variables, rng)).collect();
                called(*function, &values?, rng)
            }
        }
    }
}

fn too_large() -> String {
    "A number is larger than 64 bits hold.".to_owned()
}

fn joined(operator: Operator, a: Number, b: Number) -> Result<Number, String> {
    if let (Number::Whole(a), Number::Whole(b)) = (a, b) {
        if b == 0 && matches!(operator, Operator::By | Operator::Rest) {
            return Err("Something is divided by zero.".to_owned());
        }
        let whole = match operator {
            Operator::Plus => a.checked_add(b),
            Operator::Less => a.checked_sub(b),
            Operator::Times => a.checked_mul(b),
            Operator::By => a.checked_div(b),
            Operator::Rest => a.checked_rem(b),
        };
        return whole.map(Number::Whole).ok_or_else(too_large);
    }
    let (a, b) = (a.float(), b.float());
    Ok(Number::Float(match operator {
        Operator::Plus => a + b,
        Operator::Less => a - b,
        Operator::Times => a * b,
        Operator::By => a / b,
        Operator::Rest => a % b,
    }))
}

fn called(function: Function, values: &[Number], rng: &mut impl Rng) -> Result<Number, String> {
    let first = values.first().copied().unwrap_or(Number::Whole(0));
    let pick = |better: fn(f64, f64) -> bool| {
        values.iter().copied().fold(first, |best, v| if better(v.float(), best.float()) { v } else { best })
    };
    Ok(match function {
        Function::Random | Function::Exponential | Function::Gaussian | Function::Zipfian => {
            Number::Whole(drawn(function, values, rng)?)
        }
        Function::Abs => match first {
            Number::Whole(n) => Number::Whole(n.checked_abs().ok_or_else(too_large)?),
            Number::Float(x) => Number::Float(x.abs()),
        },
        Function::Int => {
            let x = first.float().trunc();
            if x.is_nan() || x.abs() > 9.2e18 {
                return Err(too_large());
            }
            match first {
                Number::Whole(n) => Number::Whole(n),
                Number::Float(_) => Number::Whole(x as i64),
            }
        }
        Function::Double => Number::Float(first.float()),
        Function::Sqrt => Number::Float(first.float().sqrt()),
        Function::Least => pick(|a, b| a < b),
        Function::Greatest => pick(|a, b| a > b),
    })
}

/// A key between two, by one of the distributions.
fn drawn(function: Function, values: &[Number], rng: &mut impl Rng) -> Result<i64, String> {
    let [from, to, rest @ ..] = values else { return Err("A range needs two ends.".to_owned()) };
    let (from, to) = (from.whole("random")?, to.whole("random")?);
    if from > to {
        return Err(format!("The range from {from} to {to} is empty."));
    }
    let parameter = rest.first().map_or(0.0, |p| p.float());
    let share = match function {
        Function::Exponential if parameter > 0.0 => exponential(rng.random(), parameter),
        Function::Gaussian if parameter >= 2.0 => gaussian(parameter, rng),
        Function::Zipfian if parameter > 1.0 && parameter <= 1000.0 => return Ok(zipfian(from, to, parameter, rng)),
        Function::Exponential => return Err("random_exponential needs a parameter above 0.".to_owned()),
        Function::Gaussian => return Err("random_gaussian needs a parameter of at least 2.".to_owned()),
        Function::Zipfian => return Err("random_zipfian needs a parameter above 1 and up to 1000.".to_owned()),
        Function::Random
        | Function::Abs
        | Function::Int
        | Function::Double
        | Function::Sqrt
        | Function::Least
        | Function::Greatest => return Ok(rng.random_range(from..=to)),
    };
    let many = (i128::from(to) - i128::from(from) + 1) as f64;
    let at = i128::from(from) + (share * many) as i128;
    Ok(i64::try_from(at.min(i128::from(to))).unwrap_or(to))
}

/// By the inverse of the exponential distribution cut at 1.
fn exponential(uniform: f64, parameter: f64) -> f64 {
    let cut = (-parameter).exp();
    -(cut + (1.0 - cut) * (1.0 - uniform)).ln() / parameter
}

/// Box and Muller's transform, drawn again where it falls outside.
fn gaussian(parameter: f64, rng: &mut impl Rng) -> f64 {
    loop {
        let (a, b): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
        let normal = (-2.0 * a.ln()).sqrt() * (2.0 * std::f64::consts::PI * b).sin();
        if normal.abs() < parameter {
            return (normal + parameter) / (parameter * 2.0);
        }
    }
}

/// Devroye's rejection method ("Non-Uniform Random Variate Generation", 1986, page 550).
fn zipfian(from: i64, to: i64, s: f64, rng: &mut impl Rng) -> i64 {
    let many = (i128::from(to) - i128::from(from) + 1) as f64;
    let b = 2f64.powf(s - 1.0);
    loop {
        let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
        let x = u.powf(-1.0 / (s - 1.0)).floor();
        let t = (1.0 + 1.0 / x).powf(s - 1.0);
        if v * x * (t - 1.0) / (b - 1.0) <= t / b && x <= many {
            return from.saturating_add(x as i64 - 1).min(to);
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    values: u32,
}

impl Reader<'_> {
    fn sum(&mut self) -> Result<Expression, String> {
        self.joined_by(&[('+', Operator::Plus), ('-', Operator::Less)], Self::product)
    }

    fn product(&mut self) -> Result<Expression, String> {
        self.joined_by(&[('*', Operator::Times), ('/', Operator::By), ('%', Operator::Rest)], Self::single)
    }

    fn joined_by(
        &mut self,
        operators: &[(char, Operator)],
        part: fn(&mut Self) -> Result<Expression, String>,
    ) -> Result<Expression, String> {
        let mut left = part(self)?;
        while let Some((_, operator)) = self.peek().and_then(|c| operators.iter().find(|(sign, _)| *sign == c)) {
            self.chars.next();
            left = Expression::Of(*operator, Box::new(left), Box::new(part(self)?));
        }
        Ok(left)
    }

    fn single(&mut self) -> Result<Expression, String> {
        self.values += 1;
        if self.values > MOST {
            return Err(format!("The expression has more than {MOST} values and signs."));
        }
        match self.next_sign() {
            Some('-') => Ok(Expression::Minus(Box::new(self.single()?))),
            Some('+') => self.single(),
            Some('(') => {
                let inside = self.sum()?;
                self.expect(')')?;
                Ok(inside)
            }
            Some(':') => match self.word(String::new()) {
                name if name.is_empty() => Err("a colon without the name of a variable.".to_owned()),
                name => Ok(Expression::Variable(name)),
            },
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(c),
            Some(c) if c.is_alphabetic() => {
                let name = self.word(c.to_string());
                self.call(&name)
            }
            Some(c) => Err(format!("“{c}” begins no value.")),
            None => Err(format!("“{}” ends where a value should follow.", self.text.trim())),
        }
    }

    fn call(&mut self, name: &str) -> Result<Expression, String> {
        let Some((_, function, least)) = Function::ALL.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name))
        else {
            let known: Vec<&str> = Function::ALL.iter().map(|(known, ..)| *known).collect();
            return Err(format!("{name} is no function that is known here; {} are.", known.join(", ")));
        };
        self.expect('(')?;
        let mut arguments = vec![self.sum()?];
        while self.peek() == Some(',') {
            self.chars.next();
            arguments.push(self.sum()?);
        }
        self.expect(')')?;
        let endless = matches!(function, Function::Least | Function::Greatest);
        if arguments.len() < *least || (!endless && arguments.len() > *least) {
            return Err(format!("{name} takes {least} values, and has {}.", arguments.len()));
        }
        Ok(Expression::Call(*function, arguments))
    }

    fn number(&mut self, first: char) -> Result<Expression, String> {
        let mut text = String::from(first);
        while let Some((_, c)) = self.chars.peek().copied() {
            let exponent = text.ends_with(['e', 'E']) && (c == '-' || c == '+');
            if !(c.is_ascii_digit() || c == '.' || c == 'e' || c == 'E' || exponent) {
                break;
            }
            text.push(c);
            self.chars.next();
        }
        let whole = text.parse().map(Number::Whole).ok();
        let number = whole.or_else(|| text.parse().ok().filter(|x: &f64| x.is_finite()).map(Number::Float));
        number.map(Expression::Number).ok_or_else(|| format!("“{text}” is no number."))
    }

    fn word(&mut self, mut word: String) -> String {
        while let Some((_, c)) = self.chars.peek().copied() {
            if !(c.is_alphanumeric() || c == '_') {
                break;
            }
            word.push(c);
            self.chars.next();
        }
        word
    }

    fn expect(&mut self, sign: char) -> Result<(), String> {
        match self.next_sign() {
            Some(c) if c == sign => Ok(()),
            Some(c) => Err(format!("“{sign}” is missing before “{c}”.")),
            None => Err(format!("“{sign}” is missing at the end of “{}”.", self.text.trim())),
        }
    }

    /// The next that is no blank, without taking it.
    fn peek(&mut self) -> Option<char> {
        while self.chars.next_if(|(_, c)| c.is_whitespace()).is_some() {}
        self.chars.peek().map(|(_, c)| *c)
    }

    fn next_sign(&mut self) -> Option<char> {
        self.peek()?;
        self.chars.next().map(|(_, c)| c)
    }
}
