//! What the finished picture holds.

use super::*;

const FROM: UnixMs = 1_795_516_500_000; // 11:35 in Berlin
const HALF_HOUR: i64 = 30 * 60_000;

fn quiet(n: i64) -> Vec<LagSample> {
    (0..n).map(|i| LagSample { at: FROM + i * 1_000, ms: 200.0 + (i * 37 % 60) as f64 }).collect()
}

fn input<'a>(samples: &'a [LagSample], marks: &'a [(UnixMs, String)]) -> LagChartInput<'a> {
    LagChartInput {
        samples,
        from: FROM,
        to: FROM + HALF_HOUR,
        limit_ms: 1_000.0,
        marks,
        width: 560,
        height: 268,
        theme: Theme::Dark,
        utc_offset_minutes: 60,
    }
}

/// Tags are balanced and attributes quoted; enough of XML for what the backend can get wrong.
fn assert_well_formed(svg: &str) {
    let mut open = Vec::new();
    let mut rest = svg;
    while let Some(start) = rest.find('<') {
        assert!(!rest[..start].contains('>'), "a bare > in text: {}", &rest[..start]);
        let end = start + rest[start..].find('>').expect("every tag ends");
        let tag = &rest[start + 1..end];
        assert_eq!(tag.matches('"').count() % 2, 0, "attributes are quoted: {tag}");
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "tags close in order");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

/// The words in the picture, as a person reads them.
fn words(svg: &str) -> Vec<String> {
    svg.split("<text")
        .skip(1)
        .map(|t| t.split_once('>').unwrap().1.split('<').next().unwrap().trim().to_owned())
        .collect()
}

#[test]
fn the_wireframes_chart() {
    let samples = quiet(1_800);
    let marks = vec![(FROM + 11 * 60_000, "5 % → 10 %".to_owned())];
    let out = lag_chart(&input(&samples, &marks)).unwrap();
    assert_well_formed(&out.svg);
    let words = words(&out.svg);
    for expected in ["0", "0.5", "1.0", "1.5 s", "11:35", "12:05", "limit 1.0 s", "5 % → 10 %"] {
        assert!(words.iter().any(|w| w == expected), "{expected} is missing in {words:?}");
    }
    assert!(out.svg.contains("#45C8A5"), "the line is in the target's green");
    assert!(out.svg.contains("aria-label=\"Replication lag from 11:35 to 12:05: newest"), "it can be heard, too");
    assert!(out.svg.len() < 40_000, "{} bytes go through the bridge each second", out.svg.len());
    assert!(!out.svg.contains("<rect x=\"0\" y=\"0\""), "the background is the page's");
}

#[test]
fn the_themes_differ_in_colour_alone() {
    let samples = quiet(600);
    let dark = lag_chart(&input(&samples, &[])).unwrap();
    let light = lag_chart(&LagChartInput { theme: Theme::Light, ..input(&samples, &[]) }).unwrap();
    assert_ne!(dark.svg, light.svg);
    assert_eq!(words(&dark.svg), words(&light.svg));
    assert!(light.svg.contains("#0A6D55"));
}

#[test]
fn text_is_never_smaller_than_it_can_be_read() {
    let out = lag_chart(&input(&quiet(60), &[])).unwrap();
    let sizes = out.svg.split("font-size=\"").skip(1).map(|t| t.split('"').next().unwrap().parse::<f64>().unwrap());
    for size in sizes {
        assert!(size / 4.0 >= 10.49, "{} px on the screen", size / 4.0);
    }
}

#[test]
fn nothing_measured_says_so() {
    let out = lag_chart(&input(&[], &[])).unwrap();
    assert_well_formed(&out.svg);
    assert!(words(&out.svg).contains(&"no measurement yet".to_owned()));
    assert!(out.samples.is_empty());
    assert!(out.svg.contains("no measurement yet, limit 1.0 s"), "for those who cannot see it as well");
}

#[test]
fn a_gap_is_two_lines_and_a_word() {
    let mut samples = quiet(1_500);
    samples.retain(|s| !(FROM + 400_000..FROM + 900_000).contains(&s.at));
    let out = lag_chart(&input(&samples, &[])).unwrap();
    let lines = out.svg.matches("stroke=\"#45C8A5\"").count();
    assert_eq!(lines, 2, "one line before the gap and one after it");
    let said = words(&out.svg).iter().filter(|w| *w == "not measured").count();
    assert_eq!(said, 1 + usize::from(out.plot_right - out.plot_left > 576.0), "the wide gap is labelled");
}

#[test]
fn the_edges_map_the_pointer_to_a_time() {
    let out = lag_chart(&input(&quiet(1_801), &[])).unwrap();
    assert!(out.plot_left > 30.0 && out.plot_right < 560.0);
    assert_eq!(out.samples[0].at, FROM, "the first sample is at the left edge");
    assert!(out.samples.len() <= 2 * 508, "at most two per pixel column: {}", out.samples.len());
}

#[test]
fn no_mark_goes_through_the_limits_label() {
    let samples = quiet(1_800);
    let place = |marks: &[(i64, String)]| {
        let svg = lag_chart(&input(&samples, marks)).unwrap().svg;
        let label = svg.split("<text").skip(1).find(|t| t.contains("limit 1.0 s")).unwrap().to_owned();
        let x = label.split("x=\"").nth(1).unwrap().split('"').next().unwrap();
        x.parse::<f64>().unwrap() / 4.0
    };
    assert!(place(&[]) > 500.0, "it stands where the line is read");
    let newest = vec![(FROM + 29 * 60_000, "5 % → 10 %".to_owned())];
    assert!(place(&newest) < 100.0, "and goes to the other end when a change of the route has just been made");
}

#[test]
fn labels_cannot_break_the_picture() {
    let marks = vec![(FROM + 60_000, "<b>&\"'>".to_owned())];
    let out = lag_chart(&input(&quiet(100), &marks)).unwrap();
    assert_well_formed(&out.svg);
}

#[test]
fn senseless_input_is_refused_with_a_sentence() {
    let samples = quiet(10);
    let small = LagChartInput { width: 10, ..input(&samples, &[]) };
    assert_eq!(lag_chart(&small), Err(ChartError::Size { width: 10, height: 268 }));
    let backwards = LagChartInput { to: FROM, ..input(&samples, &[]) };
    assert_eq!(lag_chart(&backwards), Err(ChartError::Range));
    let odd = [LagSample { at: FROM, ms: -5.0 }, LagSample { at: FROM + 1, ms: f64::NAN }];
    let odd_limit = LagChartInput { limit_ms: f64::NAN, ..input(&odd, &[]) };
    assert_well_formed(&lag_chart(&odd_limit).unwrap().svg);
}

/// Writes pictures to look at: `CHART_OUT=/tmp/charts cargo test -p switchyard-charts -- --ignored`.
#[test]
#[ignore = "for looking at"]
fn pictures() {
    let Ok(folder) = std::env::var("CHART_OUT") else { return };
    for (name, samples, marks, minutes, limit) in scenes::all() {
        for theme in [Theme::Dark, Theme::Light] {
            let chart =
                LagChartInput { to: FROM + minutes * 60_000, theme, limit_ms: limit, ..input(&samples, &marks) };
            let svg = lag_chart(&chart).unwrap().svg;
            std::fs::write(format!("{folder}/{name}-{theme:?}.svg"), svg).unwrap();
        }
    }
}

mod scenes {
    use super::*;

    type Scene = (&'static str, Vec<LagSample>, Vec<(UnixMs, String)>, i64, f64);

    fn noise(i: i64) -> f64 {
        let x = (i.wrapping_mul(1_103_515_245) + 12_345).rem_euclid(2_147_483_648) as f64 / 2_147_483_648.0;
        180.0 + 90.0 * x + if i % 97 == 0 { 160.0 } else { 0.0 }
    }

    pub(super) fn all() -> Vec<Scene> {
        let mark = |minute: i64, text: &str| (FROM + minute * 60_000, text.to_owned());
        let spike = |i: i64| noise(i) + 900.0 * (-((i - 640) as f64 / 40.0).powi(2)).exp();
        let series = |n: i64, f: &dyn Fn(i64) -> f64| -> Vec<LagSample> {
            (0..n).map(|i| LagSample { at: FROM + i * 1_000, ms: f(i) }).collect()
        };
        let ladder =
            ["0 % → 1 %", "1 % → 5 %", "5 % → 10 %", "10 % → 25 %", "25 % → 50 %", "50 % → 100 %", "writes → target"];
        let crowd =
            ladder.iter().enumerate().map(|(n, t)| (FROM + 700_000 + n as i64 * 6_000, (*t).to_owned())).collect();
        let mut gappy = series(900, &noise);
        gappy.retain(|s| !(FROM + 300_000..FROM + 520_000).contains(&s.at));
        let growing = series(1_500, &|i| if i < 600 { noise(i) } else { noise(i) + (i - 600) as f64 * 1_000.0 });
        let day = series(86_400, &|i| noise(i) + 1_500.0 * (-((i - 50_000) as f64 / 900.0).powi(2)).exp());
        vec![
            ("wireframe", series(1_800, &spike), vec![mark(11, "5 % → 10 %")], 30, 1_000.0),
            ("crowd", series(900, &noise), crowd, 15, 1_000.0),
            ("gap-and-stale", gappy.into_iter().filter(|s| s.at < FROM + 700_000).collect(), vec![], 15, 1_000.0),
            ("growing", growing, vec![mark(12, "5 % → 10 %")], 30, 1_000.0),
            ("day", day, vec![mark(300, "10 % → 25 %"), mark(1_435, "25 % → 50 %")], 1_440, 500.0),
            ("empty", vec![], vec![], 15, 1_000.0),
            ("just-started", series(40, &noise), vec![], 15, 1_000.0),
        ]
    }
}
