use super::*;

/// A copy that writes down what it is asked, and waits where it is told to.
#[derive(Default)]
struct Copy {
    said: Mutex<Vec<String>>,
    /// Answers this statement with something else.
    broken: Option<&'static str>,
    gate: tokio::sync::Notify,
}

struct Talk(Arc<Copy>);

struct On(Arc<Copy>);

#[async_trait]
impl Stage for On {
    async fn open(&self) -> Result<Box<dyn Player>, String> {
        Ok(Box::new(Talk(self.0.clone())))
    }
}

#[async_trait]
impl Player for Talk {
    async fn play(&mut self, text: &str, _: &[Option<String>]) -> Outcome {
        match text {
            "SELECT waits()" => self.0.gate.notified().await,
            "SELECT frees()" => self.0.gate.notify_one(),
            _ => {}
        }
        self.0.said.lock().unwrap().push(text.to_owned());
        if self.0.broken == Some(text) {
            let (sqlstate, sentence) = (Some("42883".to_owned()), "No such function.".to_owned());
            return Outcome { sqlstate, sentence, ..Outcome::default() };
        }
        Outcome::default()
    }
}

fn one(n: u64, session: &str, text: &str) -> Captured {
    Captured {
        at_us: n as i64 * 100_000,
        n,
        session: session.to_owned(),
        user: String::new(),
        database: String::new(),
        application: String::new(),
        text: text.to_owned(),
        parameters: Some(Vec::new()),
        duration_us: Some(1000),
        sqlstate: None,
        answer: None,
    }
}

async fn played(all: Vec<Captured>, copies: [Option<Arc<Copy>>; 2], how: How) -> Replayed {
    let counts = crate::survey::Survey::of(all.iter().cloned()).sessions;
    let (tell, feed) = tokio::sync::mpsc::channel(10);
    let [here, there] = copies.map(|c| c.map(|c| Arc::new(On(c)) as Arc<dyn Stage>));
    let fed = async {
        for one in all {
            let _ = tell.send(one).await;
        }
        drop(tell);
    };
    let (replayed, ()) = tokio::join!(
        play(Copies { here: here.unwrap(), there, asking: None }, feed, counts, how, 0, Watched::default()),
        fed
    );
    replayed
}

#[tokio::test(start_paused = true)]
async fn statements_come_when_they_came_and_faster_where_asked_for() {
    let all: Vec<Captured> = (0..21).map(|n| one(n, ["a", "b"][n as usize % 2], "SELECT 1")).collect();
    for (pace, ms) in [(Pace::Timed(1.0), 2_000), (Pace::Timed(10.0), 200), (Pace::Flat, 0)] {
        let began = tokio::time::Instant::now();
        let replayed = played(all.clone(), [Some(Arc::default()), None], How { pace, sessions: 10 }).await;
        let took = began.elapsed().as_millis();
        assert!((ms..ms + 100).contains(&took), "{pace:?} took {took} ms");
        assert_eq!((replayed.played, replayed.sessions, replayed.found), (21, 2, 0), "{replayed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_by_one_keeps_the_order_and_waits_for_none_that_waits_for_another() {
    let copy = Arc::new(Copy::default());
    let all = vec![
        one(1, "a", "SELECT 1"),
        one(2, "b", "SELECT waits()"),
        one(3, "a", "SELECT frees()"),
        one(4, "b", "SELECT 2"),
    ];
    let how = How { pace: Pace::OneByOne, sessions: 10 };
    let replayed = played(all, [Some(copy.clone()), None], how).await;
    assert_eq!(replayed.overtaken, 1, "what waits is overtaken, and told");
    let said = copy.said.lock().unwrap().clone();
    assert_eq!(said, ["SELECT 1", "SELECT frees()", "SELECT waits()", "SELECT 2"]);
}

#[tokio::test(start_paused = true)]
async fn what_one_copy_answers_otherwise_is_found_and_nothing_else() {
    let broken = Arc::new(Copy { broken: Some("SELECT 3"), ..Copy::default() });
    let mut all: Vec<Captured> = (0..50).map(|n| one(n, "a", &format!("SELECT {}", n % 5))).collect();
    all.push(one(51, "a", "COPY t FROM STDIN"));
    let how = How { pace: Pace::OneByOne, sessions: 1 };
    let replayed = played(all, [Some(Arc::default()), Some(broken)], how).await;
    assert_eq!((replayed.found, replayed.compared, replayed.left_out), (10, 50, 1), "{replayed:?}");
    assert!(replayed.findings.iter().all(|f| f.text == "SELECT 3"), "{:?}", replayed.findings);
    assert_eq!(replayed.unlike_captured, 0, "the first copy did as the source had");
}

#[tokio::test(start_paused = true)]
async fn sessions_beyond_the_limit_wait_and_are_told() {
    let all: Vec<Captured> = (0..9).map(|n| one(n, &format!("s{n}"), "SELECT 1")).collect();
    let replayed = played(all, [Some(Arc::default()), None], How { pace: Pace::Flat, sessions: 1 }).await;
    assert_eq!((replayed.played, replayed.sessions), (9, 9));
}

/// A copy that gives this to every question.
struct Says(&'static str);

#[async_trait]
impl crate::asked::Asks for Says {
    async fn ask(
        &mut self,
        _: &switchyard_shadow::Sample,
        _: &crate::recorded::Recorded,
        mut taking: crate::recorded::Taking,
    ) -> Result<crate::recorded::Answered, switchyard_shadow::Failure> {
        taking.take(switchyard_shadow::Piece::Rows(vec![switchyard_shadow::Row(vec![Some(self.0.to_owned())])]));
        Ok(taking.answered())
    }
}

/// What the source answered to it.
fn answer(n: u64, said: &str) -> Captured {
    use crate::{digest::Seed, recorded};
    let mut taking = recorded::Taking::new(Seed::default(), &[], vec![Vec::new()]);
    taking.take(switchyard_shadow::Piece::Rows(vec![switchyard_shadow::Row(vec![Some(said.to_owned())])]));
    let recorded = recorded::Recorded {
        answered: taking.answered(),
        tables: vec!["t".to_owned()],
        ..recorded::Recorded::default()
    };
    Captured { answer: Some(Box::new(recorded)), ..one(n, "switchyard", "SELECT a FROM t") }
}

#[tokio::test(start_paused = true)]
async fn what_the_source_answered_is_compared_at_its_place() {
    let all = |write: &str| {
        let mut all: Vec<Captured> = (0..10).map(|n| answer(n * 2, if n == 3 { "2" } else { "1" })).collect();
        all.push(one(5, "a", write));
        all.sort_by_key(|c| c.n);
        all
    };
    let run = |all: Vec<Captured>, pace| async move {
        let counts = crate::survey::Survey::of(all.iter().cloned()).sessions;
        let (tell, feed) = tokio::sync::mpsc::channel(100);
        for one in all {
            tell.send(one).await.unwrap();
        }
        drop(tell);
        let (effects, seed) = (crate::doubt::Effects::default(), crate::digest::Seed::default());
        let asking = (pace == Pace::OneByOne).then(|| Asking { copy: Box::new(Says("1")), seed, effects });
        let copies = Copies { here: Arc::new(On(Arc::default())), there: None, asking };
        play(copies, feed, counts, How { pace, sessions: 2 }, 0, Watched::default()).await
    };
    let replayed = run(all("UPDATE t SET a = 1"), Pace::OneByOne).await;
    let answers = replayed.answers.unwrap();
    assert_eq!((answers.asked, answers.equal, answers.different), (10, 9, 1), "{answers:?}");
    assert_eq!((replayed.played, replayed.found), (1, 0), "questions are no statements of the application");
    assert_eq!((&answers.findings[0].apart.source, answers.findings[0].n), (&vec![vec![Some("2".to_owned())]], 6));
    let answers = run(all("UPDATE t SET a = random()::int + 'now'"), Pace::OneByOne).await.answers.unwrap();
    assert_eq!(
        (answers.different, answers.in_doubt.values().sum::<u64>()),
        (0, 1),
        "its table is in doubt: {answers:?}"
    );
    assert!(!answers.begins_otherwise());
    let others = (0..10).map(|n| answer(n, "2")).collect();
    let answers = run(others, Pace::OneByOne).await.answers.unwrap();
    assert!(
        answers.begins_otherwise() && answers.findings.len() == 1 && answers.findings[0].times == 10,
        "{answers:?}"
    );
    let answers = run(all("UPDATE t SET a = 1"), Pace::Flat).await.answers.unwrap();
    assert_eq!((answers.asked, answers.not_asked), (0, 10), "at a speed they have no place: {answers:?}");
}
