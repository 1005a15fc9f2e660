//! Rules of [`Store::prune`](bursar_core::Store::prune), and of how long ended jobs are kept.

use std::time::Duration;

use bursar_core::{JobFilter, JobId, NewJob, Next, State};

use super::probe::{Maker, Probe, Settings, due_at, job, kept_for};

fn minute(make: Maker<'_>) -> Probe {
    let settings = Settings {
        result_ttl: Duration::from_secs(60),
        ..Settings::default()
    };
    Probe::with(make, settings)
}

/// An ended job is there for the store's `result_ttl` and not longer; the reply says when next.
pub fn a_result_is_forgotten_after_its_ttl(make: Maker<'_>) {
    let probe = minute(make);
    assert_eq!(probe.prune().next, None);
    let first = [State::Completed, State::Failed, State::Cancelled]
        .map(|state| probe.ended(job(), state).id);
    let ends = probe.in_seconds(60);
    probe.pass(20);
    let later = probe.ended(job(), State::Completed).id;
    let none = probe.prune();
    assert_eq!((none.removed, none.next), (0, Some(ends)));
    probe.pass(40);
    assert!(
        first.iter().all(|id| probe.find(*id).is_none()),
        "it is not to be read"
    );
    let pruned = probe.prune();
    assert_eq!(
        (pruned.removed, pruned.next),
        (3, Some(probe.in_seconds(20)))
    );
    let left: Vec<JobId> = probe
        .list(JobFilter::default())
        .iter()
        .map(|job| job.id)
        .collect();
    assert_eq!(left, [later]);
    assert_eq!(probe.tally().of(State::Failed), 0);
}

/// A task's own `result_ttl` stands over the store's, be it shorter or longer.
pub fn a_task_may_have_a_ttl_of_its_own(make: Maker<'_>) {
    let probe = minute(make);
    let short = probe.ended(kept_for(10), State::Completed).id;
    let usual = probe.ended(job(), State::Failed).id;
    let long = probe.ended(kept_for(100), State::Failed).id;
    let there = || [short, usual, long].map(|id| probe.find(id).is_some());
    let times = [
        (10, [false, true, true]),
        (50, [false, false, true]),
        (40, [false; 3]),
    ];
    for (seconds, expected) in times {
        probe.pass(seconds);
        assert_eq!(there(), expected, "before the prune");
        assert_eq!(probe.prune().removed, 1);
        assert_eq!(there(), expected, "after the prune");
    }
    assert_eq!(probe.prune().next, None);
}

/// A job that is kept long does not hold back those that ended after it.
pub fn a_long_ttl_keeps_nothing_else(make: Maker<'_>) {
    let probe = minute(make);
    probe.ended(kept_for(1_000_000), State::Completed);
    for _ in 0..5 {
        probe.ended(job(), State::Completed);
    }
    assert_eq!(probe.prune().next, Some(probe.in_seconds(60)));
    probe.pass(60);
    assert_eq!(probe.prune().removed, 5);
    assert_eq!(probe.count(JobFilter::default()), 1);
}

/// The age of a job is that of its end, however often it is read.
pub fn reading_does_not_keep_a_job_past_its_ttl(make: Maker<'_>) {
    let probe = minute(make);
    let one = probe.ended(job(), State::Completed).id;
    probe.pass(30);
    probe.ended(job(), State::Completed);
    probe.get(one);
    probe.pass(30);
    assert_eq!(probe.prune().removed, 1);
    assert!(probe.find(one).is_none());
    assert_eq!(probe.count(JobFilter::default()), 1);
}

/// At most so many jobs go at once, those first whose time was up first.
pub fn the_prune_limit_bounds_how_many_go(make: Maker<'_>) {
    let probe = minute(make);
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(probe.ended(job(), State::Completed).id);
        probe.pass(1);
    }
    probe.pass(60);
    assert_eq!(probe.prune_at_most(0).removed, 0);
    let pruned = probe.prune_at_most(2);
    assert_eq!(pruned.removed, 2);
    assert!(pruned.next.is_some_and(|next| next <= probe.now()));
    let left: Vec<JobId> = probe
        .list(JobFilter::default())
        .iter()
        .map(|job| job.id)
        .collect();
    assert_eq!(left, ids[2..]);
    let rest = probe.prune_at_most(9);
    assert_eq!((rest.removed, rest.next), (3, None));
}

/// Whoever was submitted before or after, and however many there are.
pub fn those_whose_time_was_up_first_go_first(make: Maker<'_>) {
    let probe = minute(make);
    // Each has its own time, in an order of its own: 83 and 200 have no common factor.
    let kept = |index: u64| 1 + index * 83 % 200;
    let jobs = probe.submit((0..200).map(|index| kept_for(kept(index))));
    for job in &jobs {
        probe.start(job.sequence);
        probe.end(job.sequence, 1, Next::End(State::Completed));
    }
    assert_eq!(probe.prune().next, Some(probe.in_seconds(1)));
    probe.pass(150);
    for gone in [40, 80, 120, 150] {
        let pruned = probe.prune_at_most(40);
        assert_eq!(pruned.removed, if gone == 150 { 30 } else { 40 });
        let left = probe.list(JobFilter::default());
        let left: Vec<JobId> = left.iter().map(|job| job.id).collect();
        let after = (0..200).zip(&jobs).filter(|(index, _)| kept(*index) > gone);
        let after: Vec<JobId> = after.map(|(_, job)| job.id).collect();
        assert_eq!(left, after);
    }
    assert_eq!(probe.prune().next, Some(probe.in_seconds(1)));
}

/// A job that has not ended is there for ever.
pub fn unfinished_jobs_are_never_forgotten(make: Maker<'_>) {
    let probe = minute(make);
    probe.add(kept_for(1));
    probe.add(due_at(probe.in_seconds(9)));
    probe.running(kept_for(1));
    let retrying = probe.running(kept_for(1));
    probe.end(retrying.sequence, 1, Next::Retry(probe.in_seconds(9)));
    probe.pass(1_000_000);
    let pruned = probe.prune();
    assert_eq!((pruned.removed, pruned.next), (0, None));
    assert_eq!(probe.tally().unfinished(), 4);
}

fn five(make: Maker<'_>) -> Option<Probe> {
    let settings = Settings {
        max_results: 5,
        ..Settings::default()
    };
    let probe = Probe::with(make, settings);
    (!probe.store.capabilities().durable).then_some(probe)
}

/// A store that ends with its process keeps at most so many results. Reading one is a use of it.
pub fn the_least_recently_used_go_first(make: Maker<'_>) {
    let Some(probe) = five(make) else { return };
    let ids: Vec<JobId> = (0..5)
        .map(|_| probe.ended(job(), State::Completed).id)
        .collect();
    probe.get(ids[0]);
    probe.get(ids[2]);
    probe.get(ids[0]);
    for (index, gone) in [1, 3, 4, 2, 0].into_iter().enumerate() {
        let next = if index % 2 == 0 {
            State::Completed
        } else {
            State::Cancelled
        };
        probe.ended(job(), next);
        let listed = probe.list(JobFilter::default());
        assert_eq!(listed.len(), 5);
        assert!(
            listed.iter().all(|job| job.id != ids[gone]),
            "{gone} was to go"
        );
    }
}

/// A flood of results does not wash dead letters away, nor the other way round.
pub fn dead_letters_are_kept_apart(make: Maker<'_>) {
    let Some(probe) = five(make) else { return };
    let letters: Vec<JobId> = (0..5)
        .map(|_| probe.ended(job(), State::Failed).id)
        .collect();
    let results: Vec<JobId> = (0..5)
        .map(|_| probe.ended(job(), State::Completed).id)
        .collect();
    let waiting = probe.add(NewJob { ..job() }).id;
    for _ in 0..20 {
        probe.ended(job(), State::Completed);
    }
    assert!(letters.iter().all(|id| probe.find(*id).is_some()));
    assert!(results.iter().all(|id| probe.find(*id).is_none()));
    for _ in 0..20 {
        probe.ended(job(), State::Failed);
    }
    let tally = probe.tally();
    let kept = (tally.of(State::Failed), tally.of(State::Completed));
    assert_eq!((kept, probe.state(waiting)), ((5, 5), State::Queued));
}
