//! Rules of [`Store::claim`](bursar_core::Store::claim).

use bursar_core::{Claim, Claimed, NewJob, Next, Payload, State};

use super::probe::{Maker, Probe, due_at, expiring, job};
use super::view::content;

/// A claim says what is to be run, and by whom it is.
pub fn a_queued_job_becomes_running(make: Maker<'_>) {
    let probe = Probe::new(make);
    let accepted = probe.add(NewJob {
        args: Payload::json(*b"[1]"),
        ..job()
    });
    probe.pass(3);
    let claimed = probe.claim(&[accepted.sequence]);
    assert_eq!(claimed.len(), 1);
    let Claimed {
        sequence,
        attempt,
        failures,
        args,
        checkpoint,
    } = &claimed[0];
    assert_eq!((*sequence, *attempt, *failures), (accepted.sequence, 1, 0));
    assert_eq!(content(args), "[1]");
    assert!(checkpoint.is_none());
    let info = probe.get(accepted.id);
    assert_eq!((info.state, info.attempt), (State::Running, 1));
    assert_eq!(info.started, Some(probe.now()));
    assert_eq!(info.worker.as_deref(), Some("worker-1"));
    assert_eq!(info.attempts.len(), 1);
    let attempt = &info.attempts[0];
    assert_eq!((attempt.number, attempt.started), (1, probe.now()));
    assert_eq!((attempt.finished, attempt.outcome), (None, None));
}

/// Jobs in any other state, and numbers of no job, are left out and left as they are.
pub fn only_queued_jobs_are_claimed(make: Maker<'_>) {
    let probe = Probe::new(make);
    let queued = probe.add(job()).sequence;
    let scheduled = probe.add(due_at(probe.in_seconds(9))).sequence;
    let running = probe.running(job()).sequence;
    let retrying = probe.running(job()).sequence;
    probe.end(retrying, 1, Next::Retry(probe.in_seconds(9)));
    let mut asked = vec![scheduled, running, retrying, 0, 999, u64::MAX];
    for state in [State::Completed, State::Failed, State::Cancelled] {
        asked.push(probe.ended(job(), state).sequence);
    }
    let before = probe.all();
    assert!(probe.claim(&asked).is_empty());
    assert!(probe.claim(&[]).is_empty());
    assert_eq!(probe.all(), before);
    asked.insert(3, queued);
    let claimed: Vec<u64> = probe.claim(&asked).iter().map(|job| job.sequence).collect();
    assert_eq!(claimed, [queued]);
}

/// The attempts of a job count 1, 2, 3 ..., whatever follows each.
pub fn attempts_are_numbered_without_gaps(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.add(job());
    let follows = [
        Next::Requeue,
        Next::Retry(probe.in_seconds(1)),
        Next::Snooze(probe.in_seconds(2)),
        Next::Requeue,
        Next::End(State::Failed),
    ];
    for (number, next) in (1..).zip(follows) {
        assert_eq!(probe.start(one.sequence), number);
        probe.end(one.sequence, number, next);
        probe.pass(5);
        probe.promote();
    }
    let numbers: Vec<u32> = probe
        .get(one.id)
        .attempts
        .iter()
        .map(|a| a.number)
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
}

/// Claimed jobs are told in the order in which they were asked for.
pub fn the_reply_has_the_order_of_the_request(make: Maker<'_>) {
    let probe = Probe::new(make);
    let jobs = probe.submit((0..20).map(|_| job()));
    let mut asked: Vec<u64> = jobs.iter().map(|job| job.sequence).collect();
    asked.reverse();
    asked.swap(3, 11);
    let claimed: Vec<u64> = probe.claim(&asked).iter().map(|job| job.sequence).collect();
    assert_eq!(claimed, asked);
}

/// The second mention finds the job running.
pub fn a_job_named_twice_is_claimed_once(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.add(job()).sequence;
    assert_eq!(probe.claim(&[one, one]).len(), 1);
    assert_eq!(probe.claim(&[one]).len(), 0);
}

/// A job that was to start before now doesn't start, even where nobody has looked yet.
pub fn a_job_past_its_expiry_is_left_out(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.add(expiring(10));
    probe.pass(10);
    assert!(probe.claim(&[one.sequence]).is_empty());
    assert_eq!(probe.promote().expired.len(), 1);
    assert_eq!(probe.state(one.id), State::Cancelled);
}

/// Of several workers that claim the same jobs, each job has one.
pub fn threads_share_jobs_out(make: Maker<'_>) {
    let probe = Probe::new(make);
    let jobs = probe.submit((0..400).map(|_| job()));
    let all: Vec<u64> = jobs.iter().map(|job| job.sequence).collect();
    let claim = |worker: usize| {
        let chunks = all.chunks(8).flat_map(|chunk| {
            let request = Claim {
                now: probe.now(),
                worker: format!("worker-{worker}").into(),
                jobs: chunk.iter().copied().collect(),
            };
            probe.store.claim(request).wait().unwrap()
        });
        chunks.map(|job| (job.sequence, worker)).collect()
    };
    let won: Vec<Vec<(u64, usize)>> = std::thread::scope(|scope| {
        let claim = &claim;
        let workers: Vec<_> = (0..4).map(|w| scope.spawn(move || claim(w))).collect();
        workers.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let mut won: Vec<(u64, usize)> = won.into_iter().flatten().collect();
    won.sort_unstable();
    let sequences: Vec<u64> = won.iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(sequences, all);
    for (job, (_, worker)) in jobs.iter().zip(won) {
        let name = format!("worker-{worker}");
        assert_eq!(probe.get(job.id).worker.as_deref(), Some(&*name));
    }
}
