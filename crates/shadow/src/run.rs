//! Lanes that compare, and those that look again at what differs.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, mpsc},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Allowed, Chosen, Class, Failure, Judged, Lane, Passing, Rules, Sample, Side, Skip, Tally,
    compare::{Compared, Key, compare, sum},
    judge::{Known, judge},
    pace::Pace,
    read,
    tally::Outcome,
};

/// Pieces of a result that wait to be compared.
const AHEAD: usize = 2;
/// Comparisons that wait to be looked at again.
const WAITING: usize = 256;
/// Sessions per side that look again.
const AGAIN: usize = 2;
/// How often one whose source changes is looked at.
const LOOKS: u32 = 5;
/// How long what waits may take at the end.
const LAST_LOOKS: Duration = Duration::from_secs(60);

/// Both sides, and how much is asked of them.
pub struct Shadow {
    /// The side with the traffic.
    pub source: Arc<dyn Side>,
    /// The other.
    pub target: Arc<dyn Side>,
    /// What carries changes there.
    pub stream: Arc<dyn Passing>,
    /// Comparisons that begin each second, at most.
    pub per_second: u32,
    /// Sessions per side that compare.
    pub lanes: usize,
    /// What came of it.
    pub tally: Arc<Tally>,
    /// Ends it in order.
    pub stop: CancellationToken,
}

/// Compares what comes, until no more comes or it is stopped; then what differs is looked at to its end.
pub async fn run(shadow: Arc<Shadow>, samples: mpsc::Receiver<Chosen>) {
    let samples = Arc::new(Mutex::new(samples));
    let pace = Arc::new(Pace::new(shadow.per_second));
    let (again, waiting) = mpsc::channel(WAITING);
    let waiting = Arc::new(Mutex::new(waiting));
    let (mut lanes, mut looks) = (JoinSet::new(), JoinSet::new());
    for _ in 0..shadow.lanes.max(1) {
        let (shadow, samples, pace, again) = (shadow.clone(), samples.clone(), pace.clone(), again.clone());
        lanes.spawn(async move { first_looks(&shadow, &samples, &pace, &again).await });
    }
    drop(again);
    for _ in 0..AGAIN {
        let (shadow, waiting) = (shadow.clone(), waiting.clone());
        looks.spawn(async move { second_looks(&shadow, &waiting).await });
    }
    while lanes.join_next().await.is_some() {}
    // What still waited for its turn is told as left out.
    let mut left = samples.lock().await;
    left.close();
    while let Ok(chosen) = left.try_recv() {
        shadow.tally.beyond_rate(&chosen);
    }
    let rest = async { while looks.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_LOOKS, rest).await.is_err() {
        looks.shutdown().await;
        let why = format!("Not all that differed was looked at again within {} s.", LAST_LOOKS.as_secs());
        shadow.tally.trouble(why);
    }
}

async fn first_looks(
    shadow: &Shadow,
    samples: &Mutex<mpsc::Receiver<Chosen>>,
    pace: &Pace,
    again: &mpsc::Sender<Chosen>,
) {
    let mut ends = Ends::default();
    loop {
        let next = async { samples.lock().await.recv().await };
        let chosen = tokio::select! {
            biased;
            () = shadow.stop.cancelled() => return,
            next = next => match next {
                Some(chosen) => chosen,
                None => return,
            },
        };
        tokio::select! {
            biased;
            () = shadow.stop.cancelled() => return,
            () = pace.next() => {}
        }
        let allowed = match allowed(shadow, &chosen).await {
            Ok(Ok(allowed)) => allowed,
            Ok(Err(skip)) => {
                shadow.tally.ended(&chosen, Outcome::Skipped(skip));
                continue;
            }
            Err(failure) => {
                shadow.tally.trouble(failure.sentence);
                shadow.tally.ended(&chosen, Outcome::Skipped(Skip::NotReadable));
                continue;
            }
        };
        let compared = ends.both(shadow, &chosen.sample, &[]).await;
        let Some(outcome) = first(shadow, &chosen, allowed, &compared) else {
            if shadow.tally.look_again(&chosen)
                && let Err(full) = again.try_send(chosen)
            {
                let why = "More differed than could be looked at again in time.".to_owned();
                shadow.tally.looked_again(&full.into_inner(), Outcome::Unproven(why));
            }
            continue;
        };
        shadow.tally.ended(&chosen, outcome);
    }
}

/// What the first look says; None when it has to be looked at again.
fn first(shadow: &Shadow, chosen: &Chosen, allowed: Allowed, compared: &Compared) -> Option<Outcome> {
    if let Some(skip) = says_nothing(shadow, compared) {
        return Some(Outcome::Skipped(skip));
    }
    let ordered = chosen.plain.ordered;
    let known = Known { ordered, limited: chosen.plain.limited, ..Known::default() };
    match judge(compared, &known) {
        None => Some(Outcome::Equal),
        Some(judged) if compared.same_rows && !ordered => Some(Outcome::Differs(judged)),
        Some(_) if allowed.of_the_time || read::is_of_the_time(&chosen.sample, &chosen.plain.functions) => {
            Some(Outcome::OfTheTime)
        }
        Some(_) => None,
    }
}

/// Why a failure says nothing of the statement.
fn says_nothing(shadow: &Shadow, compared: &Compared) -> Option<Skip> {
    if let Some(failure) = compared.failed.iter().flatten().find(|f| f.is_ours()) {
        shadow.tally.trouble(failure.sentence.clone());
        return Some(Skip::NotReadable);
    }
    let both = compared.failed.iter().all(Option::is_some);
    both.then_some(Skip::FailsOnBoth)
}

/// What both catalogs say, once for each statement of a role.
async fn allowed(shadow: &Shadow, chosen: &Chosen) -> Result<Result<Allowed, Skip>, Failure> {
    if let Some(known) = shadow.tally.allowed(chosen) {
        return Ok(known);
    }
    let (user, plain) = (&chosen.sample.user, &chosen.plain);
    let (source, target) = tokio::try_join!(
        shadow.source.allows(user, &plain.text, &plain.functions, &plain.tables),
        shadow.target.allows(user, &plain.text, &plain.functions, &plain.tables)
    )?;
    let either = |here: Allowed, there: Allowed| Allowed { of_the_time: here.of_the_time || there.of_the_time };
    let both = source.and_then(|here| target.map(|there| either(here, there)));
    // A copy ends.
    if both != Err(Skip::Copying) {
        shadow.tally.allow(chosen, both);
    }
    Ok(both)
}

async fn second_looks(shadow: &Shadow, waiting: &Mutex<mpsc::Receiver<Chosen>>) {
    let mut ends = Ends::default();
    loop {
        let next = async { waiting.lock().await.recv().await };
        let Some(chosen) = next.await else { return };
        let outcome = second(shadow, &mut ends, &chosen).await;
        shadow.tally.looked_again(&chosen, outcome);
    }
}

/// The source is read, then the stream passes, then both are read. Where the source says the same twice, whatever the target says
/// in between has to be that too.
async fn second(shadow: &Shadow, ends: &mut Ends, chosen: &Chosen) -> Outcome {
    let sample = &chosen.sample;
    let keys = read::keys(&sample.text).unwrap_or_default();
    let mut before = ends.source(shadow, sample).await;
    for _ in 0..LOOKS {
        if let Err(why) = shadow.stream.pass().await {
            return Outcome::Unproven(why);
        }
        let compared = ends.both(shadow, sample, &keys).await;
        if let Some(skip) = says_nothing(shadow, &compared) {
            return match skip {
                Skip::FailsOnBoth => Outcome::Skipped(skip),
                _ => Outcome::Unproven("A side did not answer when it was asked again.".to_owned()),
            };
        }
        let known = match known(shadow, chosen).await {
            Ok(known) => known,
            Err(failure) => return Outcome::Unproven(failure.sentence),
        };
        let Some(judged) = judge(&compared, &known) else { return Outcome::InFlight };
        let now = compared.failed[0].is_none().then_some(compared.source);
        if now == before || is_settled(&judged) {
            return Outcome::Differs(judged);
        }
        before = now;
    }
    Outcome::Moving
}

/// Whether it does not depend on which rows there are just now.
fn is_settled(judged: &Judged) -> bool {
    match judged.class {
        Class::TargetFails | Class::Columns | Class::Order => true,
        Class::Value | Class::Missing | Class::Extra | Class::SourceFails | Class::Collation | Class::Float => false,
    }
}

async fn known(shadow: &Shadow, chosen: &Chosen) -> Result<Known, Failure> {
    let (user, tables) = (&chosen.sample.user, &chosen.plain.tables);
    let (source, target) =
        tokio::try_join!(shadow.source.collations(user, tables), shadow.target.collations(user, tables))?;
    let by = read::compared_columns(&chosen.sample.text);
    let differing = |of: fn(&Rules) -> &str| {
        source.iter().filter(|(column, _)| by.contains(*column)).find_map(|(column, here)| {
            let there = target.get(column)?;
            let said = format!("It compares by “{column}”: {} on the source, {} on the target.", of(here), of(there));
            (of(here) != of(there)).then_some(said)
        })
    };
    let sorts = differing(|r| &r.sorts);
    // Sorting decides which rows there are only where something is cut off or compared by size.
    let (ordered, limited) = (chosen.plain.ordered, chosen.plain.limited);
    let by_size = ordered && limited || read::compares_by_size(&chosen.sample.text);
    let equals = differing(|r| &r.equals).or_else(|| sorts.clone().filter(|_| by_size));
    Ok(Known { ordered, limited, sorts, equals })
}

/// A session at each side, opened when it is first needed.
#[derive(Default)]
struct Ends {
    source: Option<Box<dyn Lane>>,
    target: Option<Box<dyn Lane>>,
}

impl Ends {
    async fn both(&mut self, shadow: &Shadow, sample: &Sample, keys: &[Key]) -> Compared {
        let (here, from_source) = mpsc::channel(AHEAD);
        let (there, from_target) = mpsc::channel(AHEAD);
        let (source, target, mut compared) = tokio::join!(
            ask(&mut self.source, shadow.source.as_ref(), sample, here),
            ask(&mut self.target, shadow.target.as_ref(), sample, there),
            compare(from_source, from_target, keys)
        );
        compared.failed = [source.err(), target.err()];
        compared
    }

    /// What the source says; None where it fails.
    async fn source(&mut self, shadow: &Shadow, sample: &Sample) -> Option<u128> {
        let (here, from_source) = mpsc::channel(AHEAD);
        let (asked, sum) = tokio::join!(ask(&mut self.source, shadow.source.as_ref(), sample, here), sum(from_source));
        asked.ok().map(|()| sum)
    }
}

async fn ask(
    lane: &mut Option<Box<dyn Lane>>,
    side: &dyn Side,
    sample: &Sample,
    to: mpsc::Sender<crate::Piece>,
) -> Result<(), Failure> {
    let open = match lane {
        Some(open) => open,
        None => lane.insert(side.open().await?),
    };
    let answer = open.run(sample, to).await;
    if answer.as_ref().is_err_and(|f| f.broken) {
        *lane = None;
    }
    answer
}
