//! What a plan is made from: both sides measured, in some seconds, with nothing left behind.
//!
//! Owns which measurements are taken and what they come to. It moves a sample of rows through this process, which is the only
//! place where rows do so for another reason than a difference; it is at most some dozen megabytes, in memory.

use std::time::Duration;

use switchyard_model::{plan::Measured, plan::pools::Room};

use crate::{db::Database, error::Result};

/// How long the source is watched.
const WATCHED: Duration = Duration::from_secs(3);

/// Bytes of heap that a sample is taken of.
const SAMPLE: i64 = 32 << 20;

/// A sample that takes less says nothing of a speed, s.
const TOO_SHORT_S: f64 = 0.02;

/// A pair, measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// What a plan is made from; what needs a migration (the pause, the comparison's speed) is not in it.
    pub measured: Measured,
    /// Connections of the source and of the target.
    pub rooms: [Room; 2],
    /// What could not be measured, in sentences.
    pub notes: Vec<String>,
}

/// Measures a pair. With `copy` also how fast rows travel: a sample is written to the target and rolled back.
///
/// # Errors
/// When a side does not answer. A copy that cannot be made is a note.
pub async fn measure(source: &Database, target: &Database, copy: bool) -> Result<Pair> {
    let (load, bytes, here, there) =
        tokio::try_join!(source.loads.load(WATCHED), source.loads.bytes(), source.loads.room(), target.loads.room())?;
    let mut measured = Measured {
        tables: bytes.tables,
        rows: bytes.rows,
        heap_bytes: bytes.heap,
        index_bytes: bytes.indexes,
        writes_per_s: Some(load.writes_per_s),
        transactions_per_s: Some(load.transactions_per_s),
        wal_bytes_per_s: Some(load.wal_bytes_per_s),
        ..Measured::default()
    };
    let mut notes = Vec::new();
    match (copy, &bytes.largest) {
        (false, _) => notes.push("How fast rows travel was not asked for.".to_owned()),
        (true, None) => notes.push("The source holds no rows: nothing travels.".to_owned()),
        (true, Some((table, heap))) => match travel(source, target, table, *heap).await {
            Ok((None, _)) => notes.push(format!("{} is too small to tell how fast rows travel.", table.plain())),
            Ok(speeds) => (measured.copy_bytes_per_s, measured.index_bytes_per_s) = speeds,
            Err(e) => {
                notes.push(format!("How fast rows travel could not be measured: {} {}", e.sentence(), e.remedy()))
            }
        },
    }
    Ok(Pair { measured, rooms: [here, there], notes })
}

/// Bytes of heap and of indexes per second.
async fn travel(
    source: &Database,
    target: &Database,
    table: &switchyard_model::ident::TableName,
    heap: i64,
) -> Result<(Option<f64>, Option<f64>)> {
    let sample = source.loads.sample(table, heap, SAMPLE).await?;
    let taken = target.loads.take_in(&sample).await?;
    // Reading and writing go on at once in a copy: the slower of the two decides.
    let slower = sample.seconds.max(taken.copy_s);
    let copy = (slower > TOO_SHORT_S).then(|| sample.heap_bytes / slower);
    let index = (taken.index_s > TOO_SHORT_S / 4.0).then(|| taken.index_bytes as f64 / taken.index_s);
    Ok((copy, index))
}
