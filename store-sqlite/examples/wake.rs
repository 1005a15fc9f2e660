//! How fast another process hears of a commit, how often it wakes while there is nothing to hear,
//! and what a cycle costs while somebody follows. `cargo run --release -p bursar-store-sqlite
//! --example wake -- [ROUNDS] [FOLDER]`.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a program that measures: it takes the time, and ends at the first error"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bursar_core::{
    AttemptEnd, Claim, Demand, End, ExecutorKind, Finish, FinishedAttempt, Follow, NewJob, Next,
    Payload, Position, Priority, RetryPolicy, Spec, State, Store, Submit, Timestamp,
};
use bursar_store_sqlite::{Durability, SqliteOptions, SqliteStore};

const IDLE: Duration = Duration::from_secs(10);

fn main() {
    let mut given = std::env::args().skip(1);
    let first = given.next();
    if first.as_deref() == Some("--listen") {
        return listen(Path::new(&given.next().unwrap()));
    }
    let rounds: usize = first.map_or(500, |text| text.parse().unwrap());
    let folder = given.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = folder.join(format!("bursar-wake-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for durability in [Durability::Full, Durability::Process] {
        measure(&folder.join(durability.as_str()), durability, rounds);
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

fn measure(path: &Path, durability: Durability, rounds: usize) {
    let store = open(path, durability);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([Path::new("--listen"), path])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || -> u64 { told.next().unwrap().unwrap().parse().unwrap() };
    next();
    let (mut whole, mut after) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let asked = micros();
        submit(&store, 1);
        let acknowledged = micros();
        let heard = next();
        whole.push(heard.saturating_sub(asked));
        after.push(heard.saturating_sub(acknowledged));
    }
    let (whole, after) = (quantiles(whole), quantiles(after));
    println!(
        "{:8} another process hears of a submit: p50 {} us, p99 {} us from the call; p50 {} us, p99 {} us from its acknowledgement",
        durability.as_str(),
        whole.0,
        whole.1,
        after.0,
        after.1
    );
    println!(
        "{:8} idle: {:.1} wake-ups/s of the whole process",
        durability.as_str(),
        idle(&child)
    );
    child.kill().unwrap();
    child.wait().unwrap();
    store.close().wait().unwrap();
    for followed in [false, true] {
        let path = path.with_extension(if followed { "followed" } else { "alone" });
        let store = open(&path, durability);
        let other = followed.then(|| open(&path, durability));
        if let Some(other) = other {
            std::thread::spawn(move || follow(&other, |_| {}));
        }
        let rate = cycle(&store, 50_000, 1_000);
        let who = if followed { "with a follower" } else { "alone" };
        println!(
            "{:8} cycle in groups of 1000, {who}: {rate:.0}/s",
            durability.as_str()
        );
    }
}

fn listen(path: &Path) {
    let store = open(path, Durability::Process);
    println!("0");
    follow(&store, |_| println!("{}", micros()));
}

/// Follows for ever.
fn follow(store: &SqliteStore, told: impl Fn(usize)) {
    let (mut from, limit) = (Position::Unfinished(0), 1_000);
    while let Ok(followed) = store.follow(Follow { from, limit }).wait() {
        if matches!(from, Position::Changed(_)) {
            told(followed.jobs.len());
        }
        from = followed.next;
    }
}

/// How often the threads of a process have waited and were woken, each second.
fn idle(child: &Child) -> f64 {
    // What was asked before comes to rest first.
    std::thread::sleep(Duration::from_secs(3));
    let before = switches(child);
    std::thread::sleep(IDLE);
    (switches(child) - before) as f64 / IDLE.as_secs_f64()
}

fn switches(child: &Child) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
    let of = |status: String| -> u64 {
        let line = status.lines().find(|line| line.starts_with("voluntary"));
        let count = line.unwrap().split_whitespace().last();
        count.unwrap().parse().unwrap()
    };
    threads
        .map(|thread| of(std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap()))
        .sum()
}

fn cycle(store: &SqliteStore, jobs: u64, group: u64) -> f64 {
    let start = Instant::now();
    for first in (0..jobs).step_by(group as usize) {
        submit(store, group as usize);
        let (now, worker) = (now(), "worker".into());
        let jobs = (first + 1..=first + group).collect();
        let claimed = store.claim(Claim { now, worker, jobs }).wait().unwrap();
        let ended = claimed.iter().map(|job| FinishedAttempt {
            sequence: job.sequence,
            attempt: 1,
            end: End::from(AttemptEnd::completed(Payload::Null)),
            next: Next::End(State::Completed),
        });
        let attempts = ended.collect();
        store.finish(Finish { now, attempts }).wait().unwrap();
    }
    jobs as f64 / start.elapsed().as_secs_f64()
}

fn submit(store: &SqliteStore, jobs: usize) {
    let spec = Arc::new(Spec {
        task: "noop".into(),
        priority: Priority::Normal,
        demand: Demand::default(),
        executor: ExecutorKind::Async,
        retry: RetryPolicy::default(),
        timeout: None,
        expires: None,
        result_ttl: None,
    });
    let new = || NewJob {
        spec: Arc::clone(&spec),
        args: Payload::json(*b"[]"),
        unique: None,
        due: None,
    };
    let jobs = (0..jobs).map(|_| new()).collect();
    store.submit(Submit { now: now(), jobs }).wait().unwrap();
}

fn open(path: &Path, durability: Durability) -> SqliteStore {
    let options = SqliteOptions {
        durability,
        ..SqliteOptions::default()
    };
    SqliteStore::open(path, options).unwrap()
}

fn now() -> Timestamp {
    Timestamp::from_micros(micros())
}

fn micros() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_micros()).unwrap()
}

fn quantiles(mut times: Vec<u64>) -> (u64, u64) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}
