//! Rules of [`Store::follow`](bursar_core::Store::follow), for stores that several processes can
//! open: each test has two handles on one store.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bursar_core::{Follow, Followed, Next, OutcomeKind, Position, Reply, Result, Standing, State};

use super::probe::{Opener, Probe, Settings, cancelled, due_at, failed, job};

const START: Position = Position::Unfinished(0);

fn ask(probe: &Probe, from: Position, limit: usize) -> Reply<Followed> {
    probe.store.follow(Follow { from, limit })
}

fn read(probe: &Probe, from: Position, limit: usize) -> Followed {
    ask(probe, from, limit).wait().unwrap()
}

/// Reads what has not ended to its end; gives where the changes begin.
fn read_all(probe: &Probe, limit: usize) -> (Vec<Standing>, Position) {
    let (mut jobs, mut from) = (Vec::new(), START);
    while let Position::Unfinished(_) = from {
        let page = read(probe, from, limit);
        assert!(page.jobs.len() <= limit && !page.gap);
        jobs.extend(page.jobs);
        from = page.next;
    }
    (jobs, from)
}

/// Follows until a job stands as it should; what was told on the way may have been older.
fn until_told(probe: &Probe, from: &mut Position, sequence: u64, fits: impl Fn(&Standing) -> bool) {
    loop {
        let page = read(probe, *from, 100);
        *from = page.next;
        if page
            .jobs
            .iter()
            .any(|job| job.sequence == sequence && fits(job))
        {
            return;
        }
    }
}

fn poll(reply: &mut Reply<Followed>) -> Poll<Result<Followed>> {
    pin!(reply).poll(&mut Context::from_waker(Waker::noop()))
}

fn two(open: Opener<'_>) -> (Probe, Probe) {
    let (one, other) = open(Settings::default());
    (Probe::on(one), Probe::on(other))
}

/// Somebody who reads at the beginning finds what others have made that has not ended, in its order,
/// and nothing else.
pub fn what_has_not_ended_is_read_in_pages(open: Opener<'_>) {
    let (probe, other) = two(open);
    let jobs = [
        probe.add(job()),
        probe.ended(job(), State::Completed),
        probe.add(due_at(probe.in_seconds(9))),
        probe.running(job()),
        probe.ended(job(), State::Failed),
        probe.add(job()),
    ];
    let retrying = probe.running(job());
    probe.end(retrying.sequence, 1, Next::Retry(probe.in_seconds(1)));
    for limit in [1, 2, 100] {
        let (read, _) = read_all(&other, limit);
        let seen = read
            .iter()
            .map(|job| (job.sequence, job.state, job.attempt));
        let expected = [
            (jobs[0].sequence, State::Queued, 0),
            (jobs[2].sequence, State::Scheduled, 0),
            (jobs[3].sequence, State::Running, 1),
            (jobs[5].sequence, State::Queued, 0),
            (retrying.sequence, State::Retrying, 1),
        ];
        assert_eq!(seen.collect::<Vec<_>>(), expected, "limit {limit}");
        assert!(
            read.iter()
                .all(|job| !job.orphaned && job.losses == 0 && job.stop.is_none())
        );
        assert_eq!((read[0].id, &*read[0].spec.task), (jobs[0].id, "plain"));
    }
}

/// Every change of another is told, as its job stands then.
pub fn what_others_change_is_told(open: Opener<'_>) {
    let (probe, other) = two(open);
    let (_, mut from) = read_all(&other, 100);
    let one = probe.add(job());
    let from = &mut from;
    let told = |from: &mut Position, state, attempt| {
        until_told(&other, from, one.sequence, |job| {
            (job.state, job.attempt, job.id) == (state, attempt, one.id)
        });
    };
    told(from, State::Queued, 0);
    probe.start(one.sequence);
    told(from, State::Running, 1);
    probe.end(one.sequence, 1, Next::Retry(probe.in_seconds(1)));
    told(from, State::Retrying, 1);
    probe.pass(1);
    probe.promote();
    told(from, State::Queued, 1);
    probe.start(one.sequence);
    probe.end(one.sequence, 2, Next::End(State::Completed));
    told(from, State::Completed, 2);
    let waits = probe.add(job());
    probe.cancel(waits.id);
    until_told(&other, from, waits.sequence, |job| {
        job.state == State::Cancelled
    });
}

/// What this handle does is not told to it: it knows.
pub fn only_others_are_told(open: Opener<'_>) {
    let (probe, other) = two(open);
    let (_, mut from) = read_all(&probe, 100);
    let own = probe.ended(job(), State::Completed);
    let mut waiting = ask(&probe, from, 100);
    assert!(poll(&mut waiting).is_pending(), "it was told of {}", own.id);
    let theirs = other.add(job());
    let page = waiting.wait().unwrap();
    assert!(page.jobs.iter().all(|job| job.sequence == theirs.sequence));
    from = page.next;
    if page.jobs.is_empty() {
        until_told(&probe, &mut from, theirs.sequence, |job| {
            job.state == State::Queued
        });
    }
}

/// What is changed while somebody reads what has not ended is told after it.
pub fn what_is_changed_while_it_is_read_is_told_after(open: Opener<'_>) {
    let (probe, other) = two(open);
    let jobs = probe.submit([job(), job(), job()]);
    let page = read(&other, START, 1);
    assert_eq!(page.jobs[0].sequence, jobs[0].sequence);
    for job in &jobs[..2] {
        probe.start(job.sequence);
        probe.end(job.sequence, 1, Next::End(State::Completed));
    }
    let mut from = page.next;
    while let Position::Unfinished(_) = from {
        from = read(&other, from, 1).next;
    }
    until_told(&other, &mut from, jobs[0].sequence, |job| {
        job.state == State::Completed
    });
}

/// A job that was changed often is told once, as it stands.
pub fn a_job_is_told_once_in_a_page(open: Opener<'_>) {
    let (probe, other) = two(open);
    let (_, mut from) = read_all(&other, 100);
    let jobs: Vec<_> = (0..5)
        .map(|_| probe.ended(job(), State::Completed))
        .collect();
    let mut ended = 0;
    while ended < jobs.len() {
        let page = read(&other, from, 2);
        assert!(page.jobs.len() <= 2);
        let mut told: Vec<u64> = page.jobs.iter().map(|job| job.sequence).collect();
        told.dedup();
        assert_eq!(told.len(), page.jobs.len());
        let done = page.jobs.iter().filter(|job| job.state == State::Completed);
        ended += done.count();
        from = page.next;
    }
}

/// Whoever runs a job is told that another one has cancelled it, and why.
pub fn a_cancel_is_told_to_whoever_runs_the_job(open: Opener<'_>) {
    let (probe, other) = two(open);
    let one = probe.running(job());
    let (_, mut from) = read_all(&probe, 100);
    other.cancel(one.id);
    until_told(&probe, &mut from, one.sequence, |job| {
        job.state == State::Running && job.attempt == 1 && job.stop.as_deref() == Some("not needed")
    });
    probe.finish(
        one.sequence,
        1,
        cancelled("not needed"),
        Next::End(State::Cancelled),
    );
    assert_eq!(other.state(one.id), State::Cancelled);
}

/// A cancel of a running job is told with the job until it has ended, whatever becomes of the attempt.
pub fn a_cancel_is_told_until_the_job_has_ended(open: Opener<'_>) {
    let (probe, other) = two(open);
    let one = probe.running(job());
    let (_, mut from) = read_all(&other, 100);
    probe.cancel(one.id);
    probe.end(one.sequence, 1, Next::Retry(probe.in_seconds(1)));
    let stops = |job: &Standing| job.stop.as_deref() == Some("not needed");
    until_told(&other, &mut from, one.sequence, |job| {
        job.state == State::Retrying && stops(job)
    });
    assert!(stops(&read_all(&other, 100).0[0]));
    probe.cancel(one.id);
    until_told(&other, &mut from, one.sequence, |job| {
        job.state == State::Cancelled && job.stop.is_none()
    });
}

/// A job that was changed and is not there any more is told as gone.
pub fn a_job_that_is_not_there_any_more_is_told_as_gone(open: Opener<'_>) {
    let (probe, other) = two(open);
    let (_, mut from) = read_all(&other, 100);
    let deleted = probe.ended(job(), State::Completed);
    probe.delete(deleted.id);
    let mut gone = Vec::new();
    while gone.is_empty() {
        let page = read(&other, from, 100);
        assert!(page.jobs.iter().all(|job| job.sequence != deleted.sequence));
        gone.extend(page.gone);
        from = page.next;
    }
    assert_eq!(gone, [deleted.sequence]);
}

/// What ran in a process that is gone is told as an orphan, until it is given back.
pub fn what_nobody_runs_any_more_is_an_orphan(open: Opener<'_>) {
    let (probe, other) = two(open);
    let (_, mut from) = read_all(&probe, 100);
    let one = other.add(job());
    other.start(one.sequence);
    until_told(&probe, &mut from, one.sequence, |job| {
        job.state == State::Running && !job.orphaned
    });
    drop(other);
    until_told(&probe, &mut from, one.sequence, |job| {
        job.orphaned && job.attempt == 1
    });
    let lost = || {
        let mut end = failed("gone");
        end.kind = OutcomeKind::Lost;
        end
    };
    probe.finish(one.sequence, 1, lost(), Next::Requeue);
    let (jobs, _) = read_all(&probe, 100);
    let stands = jobs
        .iter()
        .find(|job| job.sequence == one.sequence)
        .unwrap();
    assert_eq!(
        (stands.state, stands.orphaned, stands.losses),
        (State::Queued, false, 1)
    );
}

/// A loss counts for 72 h.
pub fn old_losses_do_not_count(open: Opener<'_>) {
    let (probe, other) = two(open);
    let one = probe.add(job());
    for attempt in 1..=3 {
        probe.start(one.sequence);
        let mut end = failed("gone");
        end.kind = OutcomeKind::Lost;
        probe.finish(one.sequence, attempt, end, Next::Requeue);
        probe.pass(30 * 3_600);
    }
    // A store knows the time by what it is asked.
    other.pass(90 * 3_600);
    other.promote();
    let (jobs, _) = read_all(&other, 100);
    // 90, 60 and 30 hours ago.
    assert_eq!(jobs[0].losses, 2);
}

/// A close ends the following.
pub fn a_close_ends_the_following(open: Opener<'_>) {
    let (probe, _other) = two(open);
    let (_, from) = read_all(&probe, 100);
    let mut waiting = ask(&probe, from, 100);
    assert!(poll(&mut waiting).is_pending());
    probe.store.close().wait().unwrap();
    let error = waiting.wait().unwrap_err();
    assert_eq!(error.kind(), bursar_core::ErrorKind::Closed);
}
