//! A worker is killed in the middle of 1,000 jobs, while two others run.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::{JobInfo, OutcomeKind, State, Store, Timestamp};
use bursar_store_sqlite::{Durability, SqliteStore};
use bursar_testkit::{Folder, PATIENCE};
use bursar_torture::referee::{Crew, Drain, Facts, Language, faults, open_store};
use bursar_torture::{Part, Role};

const JOBS: u32 = 1_000;
const WORKERS: usize = 3;

/// How long a job may wait for the one that is dead.
const WAIT: Duration = Duration::from_secs(2);

struct Scene {
    folder: Folder,
    crew: Crew,
    store: Arc<SqliteStore>,
}

impl Scene {
    fn new() -> Self {
        let folder = Folder::new();
        let crew = Crew::new(Path::new(env!("CARGO_BIN_EXE_bursar-torture")));
        let store = open_store(&folder.join("jobs.db")).unwrap();
        Self {
            folder,
            crew,
            store,
        }
    }

    fn start(&mut self, role: Role, word: &str) -> usize {
        let name = format!("{role}{}", self.crew.members.len());
        let part = Part {
            role,
            store: self.folder.join("jobs.db"),
            witness: self.folder.join(format!("{name}.log")),
            name,
            seed: 7,
            jobs: JOBS,
            lease: 0,
            durability: Durability::Process,
        };
        let child = self.crew.start(Language::Rust, part, None).unwrap();
        let until = self.crew.tick().after(PATIENCE);
        assert!(self.crew.hears(child, word, until).unwrap(), "{word}");
        child
    }

    fn drain(&self) -> Drain {
        let same: Arc<dyn Store> = Arc::<SqliteStore>::clone(&self.store);
        Drain::of(same)
    }

    /// Kills a worker once so many jobs have ended; when that was.
    fn kill_after(&mut self, drain: &Drain, child: usize, ended: u64) -> Timestamp {
        drain
            .wait_until(PATIENCE, |tally| {
                let all = State::ALL.iter().filter(|state| state.is_terminal());
                all.map(|state| tally.of(*state)).sum::<u64>() >= ended
            })
            .unwrap();
        let killed = self.crew.now();
        self.crew.kill(child).unwrap();
        killed
    }
}

/// The attempts of these jobs that were lost with a worker, with what came after each.
fn lost(jobs: &[JobInfo]) -> Vec<(Timestamp, Option<Timestamp>)> {
    let pairs = jobs.iter().flat_map(|job| {
        let attempts = job.attempts.iter().enumerate();
        let lost = attempts.filter(|(_, one)| one.outcome == Some(OutcomeKind::Lost));
        lost.map(|(at, one)| {
            let next = job.attempts.get(at + 1).map(|next| next.started);
            (one.finished.unwrap(), next)
        })
    });
    pairs.collect()
}

#[test]
fn all_end_once_and_none_waits_for_the_dead_one() {
    let mut scene = Scene::new();
    let submitter = scene.start(Role::Submitter, "submitted");
    let drain = scene.drain();
    let workers: Vec<usize> = (0..WORKERS)
        .map(|_| scene.start(Role::Worker, "ready"))
        .collect();
    let killed = scene.kill_after(&drain, workers[0], u64::from(JOBS) / 2);
    assert_eq!(drain.wait(PATIENCE).unwrap(), 0, "they do not all end");
    scene.crew.kill(submitter).unwrap();
    let facts = Facts::gather(&scene.crew, &scene.store, killed).unwrap();
    assert_eq!(faults(&facts), []);
    assert!(facts.acknowledged.len() > 700, "too few: most have no key");
    let jobs: Vec<JobInfo> = facts.jobs.into_values().collect();
    let lost = lost(&jobs);
    let waits = lost
        .iter()
        .map(|(found, next)| next.unwrap_or(*found).since(killed));
    let longest = waits.max().unwrap_or_default();
    println!(
        "{} attempts were lost; the longest wait was {longest:?}",
        lost.len()
    );
    assert!(!lost.is_empty(), "it ran nothing when it was killed");
    assert!(longest < WAIT, "a job waited {longest:?}");
}
