//! What must hold when all is over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bursar_core::{JobId, JobInfo, List, Order, OutcomeKind, State, Ticket};

use crate::player::Tickets;
use crate::world::{SLOTS, World};

/// Every promise that one process can keep.
pub(crate) fn check(world: &World, tickets: &Tickets) {
    everybody_was_told(tickets);
    let jobs = all_jobs(world);
    every_accepted_job_is_there(tickets, &jobs);
    for job in jobs.values() {
        has_one_recorded_outcome(job);
        attempts_have_no_gaps(job);
    }
    much_has_happened(&jobs);
    handles_say_what_the_store_says(world, tickets);
    the_pool_is_whole(world);
}

/// Where claims are answered at once, short jobs follow each other.
pub(crate) fn jobs_followed_each_other(world: &World) {
    let followed = world.budget.followed.load(Ordering::SeqCst);
    assert!(followed >= 3, "hardly any attempt followed another one");
}

pub(crate) fn everybody_was_told(tickets: &Tickets) {
    for ticket in tickets {
        let end = ticket.wait(Some(bursar_testkit::PATIENCE));
        assert!(
            end.is_some_and(|end| end.state.is_terminal()),
            "job {}",
            ticket.id()
        );
    }
}

#[expect(clippy::unwrap_used, reason = "a referee of tests")]
fn all_jobs(world: &World) -> BTreeMap<JobId, JobInfo> {
    let everything = List {
        filter: Default::default(),
        order: Order::Oldest,
        limit: usize::MAX,
        offset: 0,
        after: None,
    };
    let listed = world.engine.list(everything).wait().unwrap();
    listed.jobs.into_iter().map(|job| (job.id, job)).collect()
}

fn every_accepted_job_is_there(tickets: &Tickets, jobs: &BTreeMap<JobId, JobInfo>) {
    let mut accepted: Vec<JobId> = tickets.iter().map(|ticket| ticket.id()).collect();
    accepted.sort_unstable();
    accepted.dedup();
    let stored: Vec<JobId> = jobs.keys().copied().collect();
    assert_eq!(
        stored.len(),
        accepted.len(),
        "jobs in the store and jobs accepted"
    );
    assert_eq!(stored, accepted);
}

fn has_one_recorded_outcome(job: &JobInfo) {
    let outcome = job.outcome;
    let fits = match job.state {
        State::Completed => outcome == Some(OutcomeKind::Completed),
        State::Cancelled => outcome == Some(OutcomeKind::Cancelled),
        State::Failed => matches!(
            outcome,
            Some(OutcomeKind::Failed | OutcomeKind::Crashed | OutcomeKind::TimedOut)
        ),
        _ => false,
    };
    assert!(fits, "{job:?}");
    let earlier = job.attempts.iter().rev().skip(1);
    let ended = earlier.filter(|attempt| attempt.outcome == Some(OutcomeKind::Completed));
    assert_eq!(
        ended.count(),
        0,
        "it went on after it had completed: {job:?}"
    );
}

/// A torture that reaches nothing shows nothing.
fn much_has_happened(jobs: &BTreeMap<JobId, JobInfo>) {
    let attempts = || jobs.values().flat_map(|job| &job.attempts);
    for kind in [
        OutcomeKind::Completed,
        OutcomeKind::Failed,
        OutcomeKind::Crashed,
        OutcomeKind::TimedOut,
        OutcomeKind::Cancelled,
        OutcomeKind::Snoozed,
    ] {
        let count = attempts().filter(|attempt| attempt.outcome == Some(kind));
        assert!(count.count() >= 3, "hardly any attempt was {kind}");
    }
    let never_ran = jobs.values().filter(|job| job.attempts.is_empty());
    assert!(
        never_ran.count() >= 3,
        "hardly any job was cancelled while it waited"
    );
}

fn attempts_have_no_gaps(job: &JobInfo) {
    let numbers: Vec<u32> = job.attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, (1..=job.attempt).collect::<Vec<_>>(), "{job:?}");
    for attempt in &job.attempts {
        assert!(
            attempt.finished.is_some() && attempt.outcome.is_some(),
            "{job:?}"
        );
    }
    let spent = |attempt: &&bursar_core::AttemptInfo| {
        let kinds = [
            OutcomeKind::Failed,
            OutcomeKind::Crashed,
            OutcomeKind::TimedOut,
        ];
        attempt.outcome.is_some_and(|kind| kinds.contains(&kind))
    };
    let failures = job.attempts.iter().filter(spent).count();
    assert!(failures <= job.spec.retry.retries as usize + 1, "{job:?}");
}

fn handles_say_what_the_store_says(world: &World, tickets: &[Arc<Ticket>]) {
    for ticket in tickets {
        let told = ticket.outcome().map(|end| end.state);
        assert_eq!(told, world.state_of(ticket), "job {}", ticket.id());
    }
}

#[expect(clippy::unwrap_used, reason = "a referee of tests")]
fn the_pool_is_whole(world: &World) {
    let stats = world.engine.stats().wait().unwrap();
    let slots = stats.concurrency.iter().map(|(_, share)| share);
    for share in stats.budget.iter().chain(slots) {
        assert_eq!(share.reserved, 0, "{share:?}");
    }
    assert_eq!((stats.jobs.unfinished(), world.engine.unfinished()), (0, 0));
    world.budget.nobody_is_inside();
    let budget = &world.budget;
    for inside in [&budget.tasks, &budget.threads, &budget.lanes] {
        assert!(inside.most() <= SLOTS, "{} at once", inside.most());
    }
}
