//! No password reaches a file, a log, an argument, an answer or an error.
#![allow(clippy::unwrap_used, clippy::panic)]

mod ctl;

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use ctl::{Ctl, MIGRATION};
use switchyard_rig::{RigOptions, Web};

/// Files below a folder that hold one of these words, the allowed one left out.
fn files_holding(folder: &Path, words: &[String], allowed: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_holding(&path, words, allowed));
        } else if path != allowed {
            let bytes = std::fs::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            found.extend(words.iter().filter(|w| text.contains(*w)).map(|_| path.display().to_string()));
        }
    }
    found
}

/// Looks at every process again and again, for children live for moments only.
struct Processes {
    over: Arc<AtomicBool>,
    looking: JoinHandle<BTreeSet<String>>,
}

impl Processes {
    fn watch(words: Vec<String>) -> Processes {
        let over = Arc::new(AtomicBool::new(false));
        let stop = over.clone();
        let looking = std::thread::spawn(move || {
            let mut found = BTreeSet::new();
            while !stop.load(Ordering::Relaxed) {
                found.extend(processes_holding(&words));
                std::thread::sleep(Duration::from_millis(5));
            }
            found
        });
        Processes { over, looking }
    }

    /// Those that held one.
    fn end(self) -> Vec<String> {
        self.over.store(true, Ordering::Relaxed);
        self.looking.join().unwrap().into_iter().collect()
    }
}

fn processes_holding(words: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        for part in ["cmdline", "environ"] {
            // One that has ended meanwhile, or is somebody else's, has nothing to read.
            let Ok(bytes) = std::fs::read(process.path().join(part)) else { continue };
            let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
            if words.iter().any(|w| text.contains(w.as_str())) {
                found.push(format!("{part} of {}", text.split(' ').next().unwrap_or_default()));
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_nowhere() {
    let ctl = Ctl::start(RigOptions::default()).await;
    let logins = &ctl.rig.source.logins;
    let mut words = vec![logins.switchyard.password.clone()];
    words.extend(ctl.rig.poolers.iter().map(|p| p.admin_password.clone()));

    let processes = Processes::watch(words.clone());

    // A URL with a password on stdin, and a wrong one that ends in an error.
    let url = |password: &str| {
        let s = &ctl.rig.source;
        format!("postgres://{}:{password}@{}:{}/shop", s.logins.switchyard.user, s.host, s.port)
    };
    let mut said = Vec::new();
    said.push(ctl.output_with_input(&["endpoint", "add", "piped", "--url", "-"], &url(&words[0])));
    words.push("canary-5up3rsecret".to_owned());
    said.push(ctl.output(&["endpoint", "add", "typed", "--url", &url("canary-5up3rsecret")]));
    for step in ["analyze", "prepare", "replicate"] {
        said.push(ctl.output(&["preview", MIGRATION, step]));
        ctl.done(&["run", MIGRATION, step, "--wait", "60"]);
    }
    ctl.rig
        .target
        .execute("DELETE FROM public.ledger_entry; UPDATE public.region SET name = name || 'x'")
        .await
        .unwrap();
    said.push(ctl.output(&["run", MIGRATION, "validate", "--wait", "60"]));
    for args in [&["findings", MIGRATION][..], &["preview", MIGRATION, "repair"], &["run", MIGRATION, "repair"]] {
        said.push(ctl.output(args));
    }
    said.push(ctl.output(&["verify", "--source", "a", "--target", "b", "--repair", "--preview"]));
    let script = ctl.home().join("load.sql");
    std::fs::write(&script, "SELECT 1;\n").unwrap();
    let script = script.to_str().unwrap();
    // By the password file, on the side that is not written to; and with one in the URL that is refused.
    said.push(ctl.output(&["load", "run", "--at", "b", "--script", script, "--rate", "20", "--seconds", "1"]));
    let wrong = url("canary-5up3rsecret");
    said.push(ctl.output(&["load", "run", "--at", &wrong, "--script", script, "--rate", "1", "--seconds", "1"]));
    // A metric's token on stdin, sent to a server that says it back; and kept, as far as there is somewhere to keep it.
    let echo = Web::start(|asked| {
        let body = serde_json::json!({ "status": "error", "error": asked.head }).to_string();
        Some((400, String::new(), body.into_bytes()))
    });
    let echo = echo.await.unwrap();
    let token = "canary-t0ken";
    words.push(token.to_owned());
    for what in ["try", "add"] {
        let metric =
            ["metrics", what, MIGRATION, "p95", "--url", &echo.url, "--query", "up", "--above", "1", "--token"];
        said.push(ctl.output_with_input(&metric, token));
    }
    assert!(echo.asked() > 0, "the token went to the server that was named");
    let told = String::from_utf8_lossy(&said[said.len() - 2].stdout).into_owned();
    assert!(told.contains("authorization: Bearer …"), "and what it said back is masked: {told}");
    said.push(ctl.output(&["metrics", "show", MIGRATION]));
    said.push(ctl.output(&["preview", MIGRATION, "cleanup", MIGRATION]));
    said.push(ctl.output(&["journal", MIGRATION, "--limit", "10000"]));
    said.push(ctl.output(&["status", MIGRATION, "--checks"]));

    assert_eq!(
        processes.end(),
        Vec::<String>::new(),
        "no process has a password among its arguments or in its environment"
    );
    for out in &said {
        let text = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
        for word in &words {
            assert!(!text.contains(word.as_str()), "an answer holds a password: {text}");
        }
    }
    let allowed = ctl.passfile();
    assert_eq!(files_holding(ctl.home(), &words, &allowed), Vec::<String>::new(), "the store must not hold passwords");
    for server in [&ctl.rig.source, &ctl.rig.target] {
        let log = std::fs::read_to_string(&server.log).unwrap_or_default();
        for word in &words {
            assert!(!log.contains(word.as_str()), "{} holds a password", server.log.display());
        }
    }
}
