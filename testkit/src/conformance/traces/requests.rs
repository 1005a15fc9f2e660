//! Random requests that make sense now and then.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::{
    FinishedAttempt, JobFilter, LogLine, NewJob, Next, NoteKind, Payload, Priority, Progress, Spec,
    State, Timestamp,
};
use fastrand::Rng;

use crate::conformance::probe::{end_for, job_of, spec};

/// A few keys and tasks, so that they meet.
pub(super) fn key(random: &mut Rng) -> Arc<str> {
    format!("key-{}", random.u8(0..4)).into()
}

pub(super) fn worker(random: &mut Rng) -> Arc<str> {
    format!("worker-{}", random.u8(0..3)).into()
}

fn task(random: &mut Rng) -> Arc<str> {
    format!("task-{}", random.u8(0..3)).into()
}

fn seconds(random: &mut Rng, most: u64) -> Duration {
    Duration::from_secs(random.u64(1..=most))
}

fn one_in<T>(random: &mut Rng, odds: u8, make: impl FnOnce(&mut Rng) -> T) -> Option<T> {
    (random.u8(0..odds) == 0).then(|| make(random))
}

fn priority(random: &mut Rng) -> Priority {
    Priority::ALL[random.usize(0..Priority::ALL.len())]
}

pub(super) fn job(random: &mut Rng, now: Timestamp) -> NewJob {
    let expires = |random: &mut Rng| Duration::from_secs(random.u64(0..=20));
    let declared = Spec {
        priority: priority(random),
        expires: one_in(random, 4, expires),
        result_ttl: one_in(random, 4, |random| seconds(random, 90)),
        ..spec(&task(random))
    };
    NewJob {
        args: payload(random),
        unique: one_in(random, 4, key),
        due: one_in(random, 4, |random| now.after(seconds(random, 20))),
        worker: one_in(random, 3, worker),
        ..job_of(declared)
    }
}

pub(super) fn payload(random: &mut Rng) -> Payload {
    Payload::json(random.u16(..).to_string().into_bytes())
}

pub(super) fn next(random: &mut Rng, now: Timestamp) -> Next {
    match random.u8(0..10) {
        0..=3 => Next::End(State::Completed),
        4 | 5 => Next::End(State::Failed),
        6 => Next::End(State::Cancelled),
        7 => Next::Retry(now.after(seconds(random, 20))),
        8 => Next::Snooze(now.after(seconds(random, 20))),
        _ => Next::Requeue,
    }
}

pub(super) fn finished(
    random: &mut Rng,
    sequence: u64,
    attempt: u32,
    now: Timestamp,
) -> FinishedAttempt {
    let next = next(random, now);
    FinishedAttempt {
        sequence,
        attempt,
        end: end_for(next).into(),
        next,
    }
}

pub(super) fn note(random: &mut Rng, attempt: u32, now: Timestamp) -> NoteKind {
    let text: Arc<str> = random.u16(..).to_string().into();
    match random.u8(0..3) {
        0 => NoteKind::Progress(Progress {
            percent: f64::from(random.u8(0..=100)),
            message: one_in(random, 2, |_| text),
        }),
        1 => NoteKind::Checkpoint(payload(random)),
        _ => NoteKind::Log(LogLine {
            at: now,
            attempt,
            level: "info".into(),
            message: text,
        }),
    }
}

pub(super) fn filter(random: &mut Rng) -> JobFilter {
    let states = (0..random.usize(0..3)).map(|_| State::ALL[random.usize(0..State::ALL.len())]);
    JobFilter {
        states: states.collect(),
        task: one_in(random, 3, task),
        priority: one_in(random, 4, priority),
        unique: one_in(random, 5, key),
    }
}
