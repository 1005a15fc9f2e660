//! Jobs that a child has before their turn.

use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::{ChildLine, ChildNext, PATIENCE, heard, pair, send, start};
use crate::executor::process::frame::{Frame, Kind};
use crate::executor::process::line::ChildJob;
use crate::executor::process::message::{Body, JSON, reply};
use crate::executor::process::turn::PREFETCHED;
use crate::limits::Had;
use crate::outcome::Ended;
use crate::payload::Payload;

/// Sends a job that begins at once, and others that begin in their turn.
fn give(pool: &UnixStream, keys: &[u64]) {
    for (at, key) in keys.iter().enumerate() {
        let flags = if at == 0 { 0 } else { PREFETCHED };
        send(pool, Kind::Start, *key, &start(JSON, flags, b"[]"));
    }
}

fn next(line: &ChildLine) -> ChildJob {
    match line.next(PATIENCE) {
        ChildNext::Job(job) => job,
        other => panic!("there is a job, not {other:?}"),
    }
}

fn end(line: &ChildLine, key: u64) {
    line.end(key, &Ended::Returned(Payload::Null), 0).unwrap();
}

fn keys(frame: &Frame) -> Vec<u64> {
    assert_eq!(frame.kind, Kind::HandedBack);
    Body(&frame.body).keys().unwrap()
}

/// Has a thread watch as long as the pool is there.
fn watched(line: &Arc<ChildLine>) -> std::thread::JoinHandle<()> {
    let watcher = Arc::clone(line);
    std::thread::spawn(move || while watcher.watch() {})
}

#[test]
fn jobs_follow_each_other_without_a_word_of_the_pool() {
    let (pool, line) = pair();
    give(&pool, &[1, 2, 3]);
    for key in 1..=3 {
        let job = next(&line);
        assert_eq!(job.key, key);
        let deadline = job.deadline.unwrap().micros();
        // A timeout is counted from the begin where that is not at once.
        assert_eq!(deadline > 1_000_000_000_000_000, key > 1);
        end(&line, key);
        assert_eq!(heard(&pool).key, key);
    }
    assert!(matches!(line.next(Duration::ZERO), ChildNext::Nothing));
}

#[test]
fn what_has_not_begun_is_handed_back_when_it_is_asked_for() {
    let (pool, line) = pair();
    let watching = watched(&line);
    give(&pool, &[1, 2, 3]);
    assert_eq!(next(&line).key, 1);
    send(&pool, Kind::Recall, 0, &[]);
    // Nobody asks for the next one: the job runs.
    assert_eq!(keys(&heard(&pool)), [2, 3]);
    end(&line, 1);
    assert_eq!(heard(&pool).key, 1);
    assert!(matches!(line.next(Duration::ZERO), ChildNext::Nothing));
    drop(pool);
    watching.join().unwrap();
}

#[test]
fn nothing_waits_behind_a_job_that_takes_its_time() {
    let (pool, line) = pair();
    let watching = watched(&line);
    give(&pool, &[1, 2, 3]);
    assert_eq!(next(&line).key, 1);
    assert_eq!(keys(&heard(&pool)), [2, 3]);
    drop(pool);
    watching.join().unwrap();
}

#[test]
fn a_job_that_takes_its_time_is_late_however_much_it_says() {
    let (pool, line) = pair();
    let watching = watched(&line);
    give(&pool, &[1, 2, 3]);
    assert_eq!(next(&line).key, 1);
    let noter = Arc::clone(&line);
    let noting = std::thread::spawn(move || while noter.log(1, "info", "on and on").is_ok() {});
    let handed_back = loop {
        let frame = heard(&pool);
        if frame.kind != Kind::Log {
            break frame;
        }
        send(&pool, Kind::Reply, 1, &reply(Ok(())));
    };
    assert_eq!(keys(&handed_back), [2, 3]);
    drop(pool);
    watching.join().unwrap();
    noting.join().unwrap();
}

#[test]
fn a_job_that_began_by_itself_and_takes_its_time_is_told_of() {
    let (pool, line) = pair();
    give(&pool, &[1, 2]);
    assert_eq!(next(&line).key, 1);
    end(&line, 1);
    assert_eq!(heard(&pool).key, 1);
    assert_eq!(next(&line).key, 2);
    let watching = watched(&line);
    let frame = heard(&pool);
    assert_eq!((frame.kind, frame.key), (Kind::Lasts, 2));
    let Had { resident, own, .. } = Body(&frame.body).sizes().unwrap();
    assert!(resident > own && own > 0, "{resident}, {own}");
    drop(pool);
    watching.join().unwrap();
}

#[test]
fn nothing_follows_by_itself_while_an_earlier_job_has_left_a_process() {
    let (pool, line) = pair();
    let mut left = Command::new("/bin/cat");
    let mut left = left.stdin(Stdio::piped()).spawn().unwrap();
    give(&pool, &[1, 2, 3]);
    assert_eq!(next(&line).key, 1);
    end(&line, 1);
    assert_eq!(heard(&pool).key, 1);
    assert!(matches!(line.next(Duration::ZERO), ChildNext::Nothing));
    assert_eq!(keys(&heard(&pool)), [2, 3]);
    drop(left.stdin.take());
    left.wait().unwrap();
}
