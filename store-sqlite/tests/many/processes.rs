use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bursar_core::{
    AttemptEnd, Failure, Fenced, Next, OutcomeKind, Position, Standing, State, Store,
};
use bursar_testkit::conformance::job;
use bursar_testkit::{Folder, Puppet};
use rustix::process::Signal;

use crate::child::{Moment, another, signal, stop};
use crate::{caught_up, files, follow, probe};

fn lost() -> AttemptEnd {
    AttemptEnd::failed(OutcomeKind::Lost, Failure::new("Lost", "it is gone"))
}

/// Follows until so many jobs are told to be orphaned.
pub(crate) fn orphans(store: &Arc<dyn Store>, mut from: Position, count: usize) -> Vec<Standing> {
    let mut found = Vec::<Standing>::new();
    while found.len() < count {
        let told = follow(store, from, 100);
        found.extend(told.jobs.into_iter().filter(|job| job.orphaned));
        from = told.next;
    }
    found
}

#[test]
#[allow(clippy::disallowed_methods, reason = "it measures real time")]
fn what_a_killed_process_ran_is_given_back() {
    let folder = Folder::new();
    let here = probe(&folder);
    let mut other = another(&folder.join("jobs.db"));
    for number in 1..=20_u64 {
        here.add(job());
        assert_eq!(other.ask(&format!("claim {number}")), number.to_string());
    }
    let from = caught_up(&here.store);
    let killed = Instant::now();
    other.kill();
    let told = orphans(&here.store, from, 20);
    let took = killed.elapsed();
    assert!(took < Duration::from_secs(2), "noticed after {took:?}");
    println!("a killed process was noticed after {took:?}");
    for job in &told {
        assert_eq!((job.state, job.attempt, job.losses), (State::Running, 1, 0));
        let fenced = here.finish(job.sequence, 1, lost(), Next::Requeue);
        assert_eq!(fenced, Fenced::Applied);
        assert_eq!(here.start(job.sequence), 2);
    }
    let seats = files(folder.path());
    let seats = seats.iter().filter(|name| name.contains("-session-"));
    assert_eq!(seats.count(), 1, "its file was left behind");
    let third = probe(&folder);
    let page = follow(&third.store, Position::Unfinished(0), 100);
    assert_eq!(page.jobs.len(), 20);
    assert!(page.jobs.iter().all(|job| !job.orphaned && job.losses == 1));
}

#[test]
fn a_process_that_hangs_loses_its_jobs_and_its_late_writes_change_nothing() {
    let folder = Folder::new();
    let here = probe(&folder);
    let path = folder.join("jobs.db");
    let mut other = another(&path);
    for number in 1..=2 {
        here.add(job());
        assert_eq!(other.ask(&format!("claim {number}")), number.to_string());
    }
    let from = caught_up(&here.store);
    stop(&other, &path, Moment::BetweenWrites);
    let told = orphans(&here.store, from, 2);
    let fenced = here.finish(told[0].sequence, 1, lost(), Next::Requeue);
    assert_eq!(fenced, Fenced::Applied);
    signal(&other, Signal::CONT);
    // What was given back is another attempt's; what was not is still its own.
    assert_eq!(other.ask(&format!("finish {}", told[0].sequence)), "Stale");
    assert_eq!(
        other.ask(&format!("finish {}", told[1].sequence)),
        "Applied"
    );
    // It goes on under another session.
    let more = here.add(job());
    let claim = format!("claim {}", more.sequence);
    assert_eq!(other.ask(&claim), more.sequence.to_string());
    let third = probe(&folder);
    let page = follow(&third.store, Position::Unfinished(0), 100);
    let standing = page.jobs.iter().find(|job| job.sequence == more.sequence);
    let standing = standing.unwrap();
    assert_eq!((standing.state, standing.orphaned), (State::Running, false));
}

#[test]
fn a_process_that_runs_longer_than_its_lease_keeps_its_jobs() {
    let folder = Folder::new();
    let here = probe(&folder);
    let path = folder.join("jobs.db");
    let (mut healthy, mut hung) = (another(&path), another(&path));
    for (number, other) in [(1, &mut healthy), (2, &mut hung)] {
        here.add(job());
        assert_eq!(other.ask(&format!("claim {number}")), number.to_string());
    }
    let from = caught_up(&here.store);
    stop(&hung, &path, Moment::BetweenWrites);
    // The time that it takes to find that the one hangs is longer than any lease.
    let told = orphans(&here.store, from, 1);
    assert_eq!(told[0].sequence, 2);
    let page = follow(&probe(&folder).store, Position::Unfinished(0), 100);
    let found: Vec<_> = page
        .jobs
        .iter()
        .map(|job| (job.sequence, job.orphaned))
        .collect();
    assert_eq!(found, [(1, false), (2, true)]);
}

#[test]
fn each_job_is_claimed_by_one_process() {
    let folder = Folder::new();
    let path = folder.join("jobs.db");
    let mut others: Vec<Puppet> = (0..4).map(|_| another(&path)).collect();
    let here = probe(&folder);
    others.iter_mut().for_each(|other| other.tell("race 200"));
    let mut claimed = BTreeSet::new();
    for other in &mut others {
        let answer = other.answer();
        for sequence in answer.split(',').map(|text| text.parse::<u64>().unwrap()) {
            assert!(claimed.insert(sequence), "{sequence} was claimed twice");
        }
    }
    assert!(claimed.len() > 400, "only {} were claimed", claimed.len());
    assert_eq!(here.tally().of(State::Running), claimed.len() as u64);
    assert_eq!(here.tally().unfinished(), 800);
}
