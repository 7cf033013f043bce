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
    let (replayed, ()) = tokio::join!(play(here.unwrap(), there, feed, counts, how, 0, Watched::default()), fed);
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
