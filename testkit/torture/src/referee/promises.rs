//! The promises, each looked at for every job.

use std::collections::HashMap;
use std::time::Duration;

use bursar_core::{AttemptInfo, JobInfo, OutcomeKind, State};

use crate::child::MEMORY;
use crate::referee::facts::Facts;
use crate::referee::report::Fault;

/// How long a job may wait for a worker that is dead, once somebody is there to notice.
const WAIT: Duration = Duration::from_secs(3);

/// So many lost attempts stop a job.
const MOST_LOSSES: usize = 3;

/// So many failures stop a job that is tried again twice.
const MOST_FAILURES: usize = 3;

/// Every promise that was not kept.
pub fn faults(facts: &Facts) -> Vec<Fault> {
    let mut faults = Vec::new();
    for id in facts
        .acknowledged
        .keys()
        .filter(|id| !facts.jobs.contains_key(*id))
    {
        faults.push(Fault::new(
            "lost",
            format!("job {id} was acknowledged and is not there"),
        ));
    }
    for (id, job) in &facts.jobs {
        let says = |fault: Option<(&'static str, String)>| {
            fault.map(|(kind, what)| Fault::new(kind, format!("job {id}: {what}")))
        };
        let checks = [ended, numbered, newest, allowed, waited].map(|check| check(facts, job));
        faults.extend(checks.into_iter().filter_map(says));
    }
    faults.extend(run_twice(facts));
    faults.extend(overcommitted(facts));
    faults.extend(keys(facts));
    faults.extend(told(facts));
    faults
}

type Found = Option<(&'static str, String)>;

fn ended(_: &Facts, job: &JobInfo) -> Found {
    let so = job.state.is_terminal() && job.outcome.is_some() && job.finished.is_some();
    let what = format!(
        "it is {} with outcome {:?}",
        job.state.as_str(),
        job.outcome
    );
    (!so).then_some(("not ended", what))
}

fn numbered(_: &Facts, job: &JobInfo) -> Found {
    let numbers: Vec<u32> = job.attempts.iter().map(|attempt| attempt.number).collect();
    let expected: Vec<u32> = (1..=job.attempt).collect();
    let open = job.attempts.iter().any(|attempt| attempt.outcome.is_none());
    let what = format!("of {} attempts there are {numbers:?}", job.attempt);
    (numbers != expected || open).then_some(("attempts", what))
}

/// A completed job has the result of its newest attempt, whose code came to its end.
fn newest(facts: &Facts, job: &JobInfo) -> Found {
    if job.state != State::Completed {
        return None;
    }
    let result = job.result.as_ref().and_then(|result| result.as_json());
    let result = result.map(|result| String::from_utf8_lossy(result).into_owned());
    if result.as_deref() != Some(&job.attempt.to_string()) {
        return Some((
            "old attempt",
            format!("attempt {} has the result {result:?}", job.attempt),
        ));
    }
    let done = facts.done.contains(&(job.id.to_string(), job.attempt));
    let what = || {
        format!(
            "attempt {} completed and never came to its end",
            job.attempt
        )
    };
    (!done).then(|| ("unseen", what()))
}

/// Each kind of job has its own ends.
fn allowed(facts: &Facts, job: &JobInfo) -> Found {
    let of = |kind| count(&job.attempts, kind);
    let kind = kind_of(job);
    let id = job.id.to_string();
    let lost = of(OutcomeKind::Lost);
    let fine = match (job.state, job.outcome) {
        (State::Cancelled, _) => facts.unwanted.contains(&id),
        (State::Completed, _) => matches!(kind.as_str(), "ok" | "note" | "flaky"),
        (State::Failed, Some(OutcomeKind::Lost)) => lost == MOST_LOSSES,
        (State::Failed, _) if kind == "fail" => of(OutcomeKind::Failed) == MOST_FAILURES,
        (State::Failed, _) => kind == "give-up",
        _ => true,
    };
    let all: Vec<_> = job.attempts.iter().map(|attempt| attempt.outcome).collect();
    let what = format!(
        "of kind {kind:?} it is {} after {all:?}",
        job.state.as_str()
    );
    (!fine || lost > MOST_LOSSES).then_some(("outcome", what))
}

fn count(attempts: &[AttemptInfo], kind: OutcomeKind) -> usize {
    attempts
        .iter()
        .filter(|attempt| attempt.outcome == Some(kind))
        .count()
}

fn kind_of(job: &JobInfo) -> String {
    let args = job.args.as_json().unwrap_or_default();
    let args: Option<(u64, String)> = serde_json::from_slice(args).ok();
    args.map(|(_, kind)| kind).unwrap_or_default()
}

/// What ran on a worker that is dead was given back soon after somebody could notice.
fn waited(facts: &Facts, job: &JobInfo) -> Found {
    let lost = job
        .attempts
        .iter()
        .filter(|attempt| attempt.outcome == Some(OutcomeKind::Lost));
    lost.filter_map(|attempt| {
        let found = attempt.finished?;
        let worker = facts.children.get(&*attempt.worker)?;
        let lease = Duration::from_millis(worker.part.lease) * 3 / 2;
        let died = worker.died.unwrap_or_default().max(facts.clean);
        let late = found.since(died.after(lease));
        let what = format!("it waited {late:?} for {}", attempt.worker);
        (late > WAIT).then_some(("waited", what))
    })
    .next()
}

/// No attempt is run by two, and none that the store doesn't know.
fn run_twice(facts: &Facts) -> Vec<Fault> {
    let mut faults = Vec::new();
    for ((id, attempt), begun) in &facts.begun {
        if begun.len() > 1 {
            let who: Vec<&String> = begun.iter().map(|(_, who)| who).collect();
            faults.push(Fault::new(
                "run twice",
                format!("attempt {attempt} of {id} by {who:?}"),
            ));
        }
        let known = facts.jobs.get(id).map_or(0, |job| job.attempt);
        if *attempt > known {
            let what = format!("attempt {attempt} of {id} began; the store knows {known}");
            faults.push(Fault::new("lost", what));
        }
    }
    faults
}

/// In the order of each log, what runs never has more than there is.
fn overcommitted(facts: &Facts) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (name, child) in &facts.children {
        let mut reserved = 0;
        for line in &child.lines {
            match line.word.as_str() {
                "begin" => reserved += line.number(2),
                "end" => reserved -= line.number(2),
                _ => {}
            }
            if reserved > MEMORY {
                faults.push(Fault::new(
                    "budget",
                    format!("{name} has {reserved} of {MEMORY}"),
                ));
                break;
            }
        }
    }
    faults
}

/// While a job has a key, no other job with it begins.
fn keys(facts: &Facts) -> Vec<Fault> {
    let mut by_key = HashMap::<&str, Vec<&JobInfo>>::new();
    for job in facts.jobs.values() {
        if let Some(key) = &job.unique {
            by_key.entry(key).or_default().push(job);
        }
    }
    let mut faults = Vec::new();
    for (key, mut jobs) in by_key {
        jobs.sort_by_key(|job| job.sequence);
        for pair in jobs.windows(2) {
            faults.extend(overlap(facts, key, pair[0], pair[1]));
        }
    }
    for (id, key) in &facts.acknowledged {
        let stored = facts.jobs.get(id).and_then(|job| job.unique.as_deref());
        if facts.jobs.contains_key(id) && stored != key.as_deref() {
            faults.push(Fault::new(
                "unique",
                format!("job {id} of key {key:?} has {stored:?}"),
            ));
        }
    }
    faults
}

fn overlap(facts: &Facts, key: &str, first: &JobInfo, second: &JobInfo) -> Option<Fault> {
    // A late begin of an attempt that was lost, or asked to stop, says nothing.
    let own = matches!(
        first.outcome,
        Some(OutcomeKind::Completed | OutcomeKind::Failed)
    );
    let last = facts
        .began(&first.id.to_string(), first.attempt)
        .filter(|_| own)?;
    let next = facts.began(&second.id.to_string(), 1)?;
    let what = format!(
        "jobs {} and {} of key {key} ran at once",
        first.id, second.id
    );
    (next < last).then(|| Fault::new("unique", what))
}

/// What the code of a job found wrong itself.
fn told(facts: &Facts) -> Vec<Fault> {
    let children = facts.children.iter();
    let lines = children.flat_map(|(name, child)| child.lines.iter().map(move |line| (name, line)));
    let errors = lines.filter(|(_, line)| line.word == "error");
    errors
        .map(|(name, line)| Fault::new("child", format!("{name}: {}", line.rest())))
        .collect()
}
