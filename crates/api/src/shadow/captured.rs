//! A capture as a source of shadow reads.

use switchyard_capture::{Captured, file::Reader};
use switchyard_shadow::{Chosen, Sample};
use tokio::sync::mpsc::Sender;

use super::traffic::Traffic;

/// All of a capture, in the order of its file. Waits where comparing is slower than reading: nothing is left out but by the share.
pub(super) fn from_capture(traffic: &Traffic, mut reader: Reader, to: &Sender<Chosen>) {
    let (mut elsewhere, mut failed) = (0_u64, 0_u64);
    for one in reader.by_ref() {
        if traffic.stop.is_cancelled() || to.is_closed() {
            break;
        }
        // Questions of ours among them.
        if one.answer.is_some() || one.application.starts_with("switchyard") {
            continue;
        }
        if !one.database.is_empty() && one.database != traffic.at.database {
            elsewhere += 1;
            continue;
        }
        if one.sqlstate.is_some() {
            failed += 1;
            continue;
        }
        if let Some(chosen) = traffic.tally.choose(sample(one), traffic.share) {
            // Nobody compares any more where it does not arrive.
            let _ = to.blocking_send(chosen);
        }
    }
    let head = reader.head().notes.iter().cloned();
    head.chain(reader.notes()).for_each(|note| traffic.say(note));
    if elsewhere > 0 {
        let ours = &traffic.at.database;
        traffic.say(format!(
            "{elsewhere} statements of the capture are of another database than {ours} and were left out."
        ));
    }
    if failed > 0 {
        traffic.say(format!("{failed} statements had failed when they were captured and were left out."));
    }
}

fn sample(one: Captured) -> Sample {
    Sample { text: one.text, parameters: one.parameters, user: one.user, cut: false }
}
