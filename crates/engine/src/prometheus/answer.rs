//! What a query's answer says: one number, the times of samples, or why neither.

use serde::Deserialize;
use switchyard_model::application::Unread;

use super::unread;

/// The body of an answer.
#[derive(Debug, Deserialize)]
pub(super) struct Body {
    status: String,
    data: Option<Data>,
    pub(super) error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Data {
    Scalar(Sample),
    Vector(Vec<Series>),
    Matrix(serde::de::IgnoredAny),
    String(serde::de::IgnoredAny),
}

/// When the query was evaluated, seconds, and the number as text.
#[derive(Debug, Deserialize)]
struct Sample(f64, String);

#[derive(Debug, Deserialize)]
struct Series {
    value: Option<Sample>,
}

const AGGREGATE: &str = "Aggregate to one, as in sum(…), max(…) or avg(…).";

/// The one number of an answer.
pub(super) fn one(body: &Body) -> Result<f64, Unread> {
    let sample = match data(body)? {
        Data::Scalar(sample) => sample,
        Data::Vector(all) => match all.as_slice() {
            [] => {
                return Err(unread(
                    "the query gives no series",
                    "See whether its names and labels are right and its targets are scraped; what counts errors alone may \
                     not be there before the first one: add “or vector(0)” to that part.",
                ));
            }
            [one] => value(one)?,
            many => {
                return Err(unread(format!("the query gives {} series, and has to give one", many.len()), AGGREGATE));
            }
        },
        Data::Matrix(_) => {
            return Err(unread("the query gives a range", "Take its rate or its average over it, as in rate(…[5m])."));
        }
        Data::String(_) => return Err(unread("the query gives a text", "Ask for a number.")),
    };
    let number = number(&sample.1)?;
    if number.is_nan() {
        return Err(unread(
            "the query gives NaN, which is no number",
            "A share of nothing is 0 ÷ 0: it is known again once there is traffic.",
        ));
    }
    if number.is_infinite() {
        return Err(unread("the query gives an infinite number", "Look at what it divides by."));
    }
    Ok(number)
}

/// How long ago, by the server's own clock, the oldest of the newest samples was taken, ms.
pub(super) fn oldest(body: &Body) -> Result<i64, Unread> {
    let Data::Vector(all) = data(body)? else {
        return Err(unread("the metrics server does not say", "See whether it knows the function timestamp()."));
    };
    let mut oldest: Option<i64> = None;
    for series in all {
        let Sample(now, taken) = value(series)?;
        let age = ((now - number(taken)?) * 1000.0) as i64;
        oldest = Some(oldest.map_or(age, |o| o.max(age)));
    }
    oldest.ok_or_else(|| {
        unread(
            "nothing that it reads has a sample any more",
            "See whether the metrics server still scrapes it: a rate goes on for a while without.",
        )
    })
}

fn data(body: &Body) -> Result<&Data, Unread> {
    if let Some(warning) = body.warnings.first() {
        return Err(unread(
            format!("the metrics server warns that its answer may be incomplete: {}", short(warning)),
            "See what it could not read.",
        ));
    }
    match &body.data {
        Some(data) if body.status == "success" => Ok(data),
        Some(_) | None => Err(unread(
            format!("the metrics server answered without a result{}", said(body)),
            "See its log, and whether the address is that of a Prometheus.",
        )),
    }
}

/// What the server says is wrong.
pub(super) fn said(body: &Body) -> String {
    body.error.as_deref().map_or_else(String::new, |e| format!(": {}", short(e)))
}

fn value(series: &Series) -> Result<&Sample, Unread> {
    series.value.as_ref().ok_or_else(|| {
        unread("the query gives a histogram", "Take one number of it, as in histogram_quantile(0.95, …).")
    })
}

fn number(text: &str) -> Result<f64, Unread> {
    text.parse().map_err(|_| {
        unread(format!("“{}” is no number", short(text)), "See whether the address is that of a Prometheus.")
    })
}

/// At most what somebody reads, without what steers a terminal.
pub(super) fn short(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    plain.trim().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Result<f64, Unread> {
        one(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn one_number_is_one_number() {
        let vector = |value: &str| {
            format!(
                r#"{{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{}},"value":[1.5,"{value}"]}}]}}}}"#
            )
        };
        assert_eq!(of(&vector("12.5")), Ok(12.5));
        assert_eq!(of(r#"{"status":"success","data":{"resultType":"scalar","result":[1,"-3e2"]}}"#), Ok(-300.0));
        for (value, said) in [("NaN", "NaN"), ("+Inf", "infinite"), ("-Inf", "infinite"), ("abc", "“abc” is no number")]
        {
            assert!(of(&vector(value)).unwrap_err().why.contains(said), "{value} is never a number");
        }
    }

    #[test]
    fn everything_else_is_none() {
        for (json, said) in [
            (r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#, "no series"),
            (r#"{"status":"success","data":{"resultType":"matrix","result":[{"values":[]}]}}"#, "range"),
            (r#"{"status":"success","data":{"resultType":"string","result":[1,"x"]}}"#, "text"),
            (
                r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]}}"#,
                "histogram",
            ),
            (
                r#"{"status":"success","data":{"resultType":"scalar","result":[1,"1"]},"warnings":["store x is away"]}"#,
                "store x is away",
            ),
            (r#"{"status":"error","error":"a \u001b[31m line\nbreak."}"#, "without a result: a  [31m line break"),
            (r#"{"status":"success"}"#, "without a result"),
        ] {
            let why = of(json).unwrap_err().why;
            assert!(why.contains(said), "{json}: {why}");
        }
    }

    #[test]
    fn the_oldest_selector_decides() {
        let body = r#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"of":"0"},"value":[100.5,"100"]},{"metric":{"of":"1"},"value":[100.5,"40.25"]}]}}"#;
        assert_eq!(oldest(&serde_json::from_str(body).unwrap()), Ok(60_250));
        let none = r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
        assert!(oldest(&serde_json::from_str(none).unwrap()).is_err(), "a rate without samples is no rate of now");
    }
}
