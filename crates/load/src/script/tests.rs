//! Scripts are read as pgbench reads them.

use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};

use super::*;

fn rng() -> StdRng {
    StdRng::seed_from_u64(7)
}

fn worked_out(expression: &str) -> Result<Number, String> {
    let variables = Variables::from([("scale".to_owned(), Number::Whole(10))]);
    Expression::read(expression)?.value(&variables, &mut rng())
}

/// Every statement that a script asks, with its variables filled in.
fn asked(text: &str) -> Vec<String> {
    let script = Script::read("test", text).unwrap();
    let (mut variables, mut rng) = (Variables::new(), rng());
    let acts = script.steps.iter().map(|step| step.act(&mut variables, &mut rng).unwrap());
    acts.filter_map(|act| match act {
        Act::Ask(statement) => Some(statement),
        Act::Given(..) | Act::Wait(_) | Act::Nothing => None,
    })
    .collect()
}

#[test]
fn expressions_are_worked_out_as_whole_numbers_where_all_are() {
    for (expression, value) in [
        ("1 + 2 * 3", Number::Whole(7)),
        ("(1 + 2) * 3", Number::Whole(9)),
        ("7 / 2 % 2", Number::Whole(1)),
        ("7 / 2.0", Number::Float(3.5)),
        ("-:scale - -1", Number::Whole(-9)),
        ("100000 * :scale", Number::Whole(1_000_000)),
        ("least(3, 1.5, 2)", Number::Float(1.5)),
        ("greatest(3, :scale)", Number::Whole(10)),
        ("int(7.9) + abs(-1)", Number::Whole(8)),
        ("1e3", Number::Float(1000.0)),
        ("sqrt(16)", Number::Float(4.0)),
    ] {
        assert_eq!(worked_out(expression), Ok(value), "{expression}");
    }
}

#[test]
fn what_cannot_be_worked_out_is_said() {
    for (expression, said) in [
        ("1 / 0", "divided by zero"),
        ("9223372036854775807 + 1", "64 bits"),
        (":nobody", ":nobody has no value"),
        ("random(5, 1)", "from 5 to 1 is empty"),
        ("random(1)", "takes 2 values, and has 1"),
        ("abs(1, 2)", "takes 1 values, and has 2"),
        ("hash(1)", "hash is no function"),
        ("1 +", "ends where a value should follow"),
        ("(1", "“)” is missing"),
        ("1 2", "“2” is one too many"),
        ("random_zipfian(1, 10, 1)", "above 1"),
    ] {
        let why = worked_out(expression).unwrap_err();
        assert!(why.contains(said), "{expression}: {why}");
    }
    assert!(worked_out(&"1+".repeat(100_000)).unwrap_err().contains("more than"), "the stack is not exhausted");
}

#[test]
fn draws_stay_in_their_range_and_have_their_shape() {
    let mut rng = rng();
    let mut draw = |expression: &str| {
        let expression = Expression::read(expression).unwrap();
        let value = |rng: &mut StdRng| expression.value(&Variables::new(), rng).unwrap().float();
        let all: Vec<f64> = (0..20_000).map(|_| value(&mut rng)).collect();
        assert!(all.iter().all(|x| (1.0..=100.0).contains(x)), "both ends belong to it, and nothing else");
        let share = |below: f64| all.iter().filter(|x| **x <= below).count() as f64 / all.len() as f64;
        (share(1.0), share(50.0))
    };
    let (first, half) = draw("random(1, 100)");
    assert!((0.005..0.015).contains(&first) && (0.48..0.52).contains(&half), "alike: {first} {half}");
    let (first, half) = draw("random_exponential(1, 100, 5)");
    assert!((0.04..0.06).contains(&first) && half > 0.9, "1 - e^(-0.05) of them are the first: {first} {half}");
    let (first, half) = draw("random_gaussian(1, 100, 3)");
    assert!(first < 0.005 && (0.48..0.52).contains(&half), "most in the middle: {first} {half}");
    let (first, _) = draw("random_zipfian(1, 100, 1.5)");
    assert!((0.39..0.44).contains(&first), "1 / H(100, 1.5) = 41.4 % are the first: {first}");
}

#[test]
fn statements_end_where_they_end() {
    let text = "-- a comment; with a semicolon\n\
        \\set id random(1, 1)\n\
        SELECT ';', \"a;b\", $x$;$x$, 'it''s;' /* ; /* ; */ ; */ FROM t -- ;\n\
        WHERE id = :id;\n\
        SELECT 1; SELECT E'\\';' , 2;\n\
        SELECT $1;\n";
    assert_eq!(
        asked(text),
        [
            "SELECT ';', \"a;b\", $x$;$x$, 'it''s;' /* ; /* ; */ ; */ FROM t -- ;\nWHERE id = 1",
            "SELECT 1",
            "SELECT E'\\';' , 2",
            "SELECT $1",
        ]
    );
}

#[test]
fn variables_are_filled_in_and_casts_and_times_stay() {
    let text = "\\set a 5\n\\set b 2.5\nSELECT :a::text, :b, '12:30:00'::time, :unknown, a[1:2];";
    assert_eq!(asked(text), ["SELECT 5::text, 2.5, '12:30:00'::time, :unknown, a[1:2]"]);
}

#[test]
fn a_script_that_is_wrong_names_its_line() {
    for (text, said) in [
        ("SELECT 1;\n\\shell ls", "line 2: \\shell is not known"),
        ("SELECT 1;\n\nSELECT 2", "line 3: the statement that begins here does not end"),
        ("\\set 1a 2\nSELECT 1;", "line 1: “1a” is no name"),
        ("\\sleep 5 h\nSELECT 1;", "“h” is no unit"),
        ("\\set a 1\n-- nothing else", "has no statement"),
        ("SELECT 'a;", "line 1"),
        ("", "has no statement"),
    ] {
        let why = Script::read("file.sql", text).unwrap_err();
        assert!(why.starts_with("file.sql") && why.contains(said), "{text:?}: {why}");
    }
}

#[test]
fn a_mix_draws_by_weight() {
    let script = |name: &str| Script::read(name, "SELECT 1;").unwrap();
    let mix = Mix::of(vec![(script("often"), 9), (script("never"), 0), (script("seldom"), 1)]).unwrap();
    let mut rng = rng();
    let drawn: Vec<&str> = (0..10_000).map(|_| mix.draw(&mut rng).name.as_str()).collect();
    let count = |name| drawn.iter().filter(|n| **n == name).count();
    assert_eq!(count("never"), 0);
    assert!((8_800..9_200).contains(&count("often")), "{}", count("often"));
    assert!(Mix::of(vec![(script("a"), 0)]).is_err(), "nothing would ever be run");
    assert!(Mix::of(vec![(script("a"), u32::MAX), (script("b"), 1)]).is_err());
}

proptest! {
    #[test]
    fn no_text_panics(text in "(?s).{0,200}", piece in "[\\\\'\"$:;a-z0-9 ()+*/%\n-]{0,80}") {
        for text in [text, piece] {
            if let Ok(script) = Script::read("any", &text) {
                let (mut variables, mut rng) = (Variables::new(), rng());
                for step in &script.steps {
                    let _ = step.act(&mut variables, &mut rng);
                }
            }
            let _ = worked_out(&text);
        }
    }
}
