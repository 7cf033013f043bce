//! The speed of a comparison where tables are unusual: very many, very wide, or with very long values.

use std::time::Instant;

use serde::Serialize;
use switchyard_rig::{Major, Server, ServerOptions};

use crate::{
    Failure,
    bench_verify::{execute, median, verify},
};

/// Runs of each; the median counts.
const RUNS: usize = 3;

/// A database of one shape.
struct Shape {
    name: &'static str,
    /// Statements that fill it.
    fill: Vec<String>,
    /// What has to be read in any case, in one statement; none where the goal is a time.
    floor: Option<&'static str>,
    lanes: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct ShapeRow {
    pub(crate) pair: String,
    pub(crate) shape: &'static str,
    pub(crate) floor_s: Option<f64>,
    pub(crate) ours_s: f64,
    pub(crate) ratio: Option<f64>,
    pub(crate) findings: usize,
    pub(crate) peak_mb: f64,
}

fn shapes() -> Vec<Shape> {
    let small = |n: i32| {
        format!(
            "CREATE TABLE public.small_{n} (id bigint PRIMARY KEY, name text NOT NULL, amount numeric(12,2), at timestamptz); \
             INSERT INTO public.small_{n} SELECT i, 'name ' || i, i * 1.5, timestamptz '2026-01-01' + i * interval '1 min' \
             FROM generate_series(1, 100) i;"
        )
    };
    let kinds = ["int", "bigint", "numeric(10,2)", "text", "bool", "timestamptz"];
    let values =
        ["i", "i * 1000", "i * 1.25", "'value ' || i", "i % 2 = 0", "timestamptz '2026-01-01' + i * interval '1 s'"];
    let columns: Vec<String> = (0..299).map(|n| format!("c{n} {}", kinds[n % kinds.len()])).collect();
    let cells: Vec<&str> = (0..299).map(|n| values[n % values.len()]).collect();
    vec![
        Shape {
            name: "2 000 tables of 100 rows",
            fill: (0..20).map(|part| (part * 100..part * 100 + 100).map(small).collect()).collect(),
            floor: None,
            lanes: 2,
        },
        Shape {
            name: "100 000 rows of 300 columns",
            fill: vec![format!(
                "CREATE TABLE public.wide (id bigint PRIMARY KEY, {}); INSERT INTO public.wide SELECT i, {} FROM generate_series(1, 100000) i",
                columns.join(", "),
                cells.join(", ")
            )],
            floor: Some("SELECT bit_xor(hash_record_extended(t.*, 0)) FROM public.wide t"),
            lanes: 1,
        },
        Shape {
            name: "300 values of 1 MB",
            fill: vec![
                "CREATE TABLE public.long (id bigint PRIMARY KEY, v text); ALTER TABLE public.long ALTER v SET STORAGE EXTERNAL; \
                 INSERT INTO public.long SELECT i, (SELECT string_agg(md5((i * 100000 + j)::text), '') FROM generate_series(1, 32768) j) \
                 FROM generate_series(1, 300) i"
                    .to_owned(),
            ],
            floor: Some("SELECT bit_xor(hash_record_extended(t.*, 0)) FROM public.long t"),
            lanes: 1,
        },
    ]
}

/// Every shape, equal on both sides.
pub(crate) async fn run() -> Result<Vec<ShapeRow>, Failure> {
    let mut rows = Vec::new();
    for target in [Major::V15, Major::best()] {
        for shape in shapes() {
            let start = async |major| -> Result<Server, Failure> {
                let server = Server::start(major, ServerOptions::default()).await?;
                for sql in &shape.fill {
                    execute(&server, sql).await?;
                }
                execute(&server, "VACUUM ANALYZE").await?;
                Ok(server)
            };
            eprintln!("building {}", shape.name);
            let (source, target) = tokio::try_join!(start(Major::V15), start(target))?;
            rows.push(measure(&shape, &source, &target).await?);
            source.stop().await?;
            target.stop().await?;
        }
    }
    eprintln!("\n| pair | tables | floor | ours | ratio | peak memory |\n|---|---|---|---|---|---|");
    for r in &rows {
        let or_dash = |v: Option<f64>, unit: &str| v.map_or_else(|| "—".to_owned(), |v| format!("{v:.2} {unit}"));
        let (floor, ratio) = (or_dash(r.floor_s, "s"), or_dash(r.ratio, "×"));
        eprintln!("| {} | {} | {floor} | {:.2} s | {ratio} | {:.0} MB |", r.pair, r.shape, r.ours_s, r.peak_mb);
    }
    Ok(rows)
}

async fn measure(shape: &Shape, source: &Server, target: &Server) -> Result<ShapeRow, Failure> {
    let (mut floors, mut ours, mut findings, mut peak_mb) = (Vec::new(), Vec::new(), 0, 0.0_f64);
    for run in 0..=RUNS {
        let began = Instant::now();
        if let Some(sql) = shape.floor {
            tokio::try_join!(execute(source, sql), execute(target, sql))?;
        }
        let floor = began.elapsed().as_secs_f64();
        let verified = verify(source, target, &[], shape.lanes).await?;
        // The first is not counted: what it reads is in memory then.
        if run > 0 {
            floors.push(floor);
            ours.push(verified.seconds);
        }
        findings = verified.findings;
        peak_mb = peak_mb.max(verified.peak_mb);
    }
    let floor_s = shape.floor.map(|_| median(&floors));
    let ours_s = median(&ours);
    Ok(ShapeRow {
        pair: format!("{} → {}", source.version, target.version),
        shape: shape.name,
        floor_s,
        ours_s,
        ratio: floor_s.map(|floor| ours_s / floor),
        findings,
        peak_mb,
    })
}
