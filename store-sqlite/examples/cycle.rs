//! How fast the store is by itself: jobs submitted, claimed and finished in groups.
//! `cargo run --release -p bursar-store-sqlite --example cycle -- [JOBS] [FOLDER]`; five rounds at
//! each level, the median is told. What whole jobs cost, and a file with many, is in `benches`.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a program that measures: it takes the time, and ends at the first error"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use bursar_core::{
    AttemptEnd, Claim, Demand, End, ExecutorKind, Finish, FinishedAttempt, Limits, NewJob, Next,
    Payload, Priority, RetryPolicy, Spec, State, Store, Submit, Timestamp,
};
use bursar_store_sqlite::{Durability, SqliteOptions, SqliteStore};

const ROUNDS: usize = 5;

fn main() {
    let mut given = std::env::args().skip(1);
    let jobs: usize = given.next().map_or(50_000, |text| text.parse().unwrap());
    let folder = given.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("bursar-cycle-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for durability in [Durability::Full, Durability::Process] {
        for group in [1, 100, 1_000] {
            let jobs = if group == 1 { jobs / 25 } else { jobs };
            let rounds = (0..ROUNDS).map(|round| {
                let path = folder.join(format!("{}-{group}-{round}.db", durability.as_str()));
                let rates = cycle(&path, durability, jobs, group);
                std::fs::remove_file(&path).unwrap();
                rates
            });
            tell(durability, group, rounds.collect());
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

fn tell(durability: Durability, group: usize, mut rounds: Vec<[f64; 4]>) {
    let mut median = |part: usize| {
        rounds.sort_by(|one, other| one[part].total_cmp(&other[part]));
        rounds[ROUNDS / 2][part]
    };
    println!(
        "{:8} groups of {group:5}: cycle {:7.0}/s (submit {:7.0}, claim {:7.0}, finish {:7.0})",
        durability.as_str(),
        median(3),
        median(0),
        median(1),
        median(2)
    );
}

fn open(path: &Path, durability: Durability) -> SqliteStore {
    let options = SqliteOptions {
        durability,
        ..SqliteOptions::default()
    };
    SqliteStore::open(path, options).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_micros(1_767_225_600_000_000)
}

fn submit(store: &SqliteStore, jobs: usize, group: usize) {
    let spec = Arc::new(Spec {
        task: "noop".into(),
        priority: Priority::Normal,
        demand: Demand::default(),
        limits: Limits::NONE,
        sandbox: None,
        executor: ExecutorKind::Async,
        retry: RetryPolicy::default(),
        timeout: None,
        expires: None,
        result_ttl: None,
    });
    for _ in 0..jobs / group {
        let new = || NewJob {
            spec: Arc::clone(&spec),
            args: Payload::json(*b"[]"),
            unique: None,
            due: None,
            worker: None,
        };
        let jobs = (0..group).map(|_| new()).collect();
        store.submit(Submit { now: now(), jobs }).wait().unwrap();
    }
}

fn claim(store: &SqliteStore, jobs: usize, group: usize) {
    let worker: Arc<str> = "worker".into();
    for first in (0..jobs).step_by(group) {
        let jobs = (first..first + group).map(|job| job as u64 + 1).collect();
        let worker = Arc::clone(&worker);
        let request = Claim {
            now: now(),
            worker,
            jobs,
        };
        assert_eq!(store.claim(request).wait().unwrap().len(), group);
    }
}

fn finish(store: &SqliteStore, jobs: usize, group: usize) {
    for first in (0..jobs).step_by(group) {
        let ended = |job| FinishedAttempt {
            sequence: job as u64 + 1,
            attempt: 1,
            end: End::from(AttemptEnd::completed(Payload::Null)),
            next: Next::End(State::Completed),
        };
        let attempts = (first..first + group).map(ended).collect();
        let request = Finish {
            now: now(),
            attempts,
        };
        store.finish(request).wait().unwrap();
    }
}

/// Jobs per second: submitted, claimed, finished, and all three.
fn cycle(path: &Path, durability: Durability, jobs: usize, group: usize) -> [f64; 4] {
    let store = open(path, durability);
    let steps = [submit, claim, finish];
    let times = steps.map(|step| {
        let start = Instant::now();
        step(&store, jobs, group);
        start.elapsed().as_secs_f64()
    });
    store.close().wait().unwrap();
    let rate = |seconds: f64| jobs as f64 / seconds;
    let whole = times.iter().sum();
    [rate(times[0]), rate(times[1]), rate(times[2]), rate(whole)]
}
