use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use bursar_core::{Cancelled, Fenced, JobFilter, JobId, Next, State};
use fastrand::Rng;

use super::requests;
use crate::conformance::probe::{Maker, Probe};

const THREADS: u64 = 4;
const STEPS: usize = 1_500;

/// What the store told one thread.
#[derive(Default)]
struct Told {
    accepted: BTreeMap<u64, JobId>,
    /// Each start: job and attempt.
    started: Vec<(u64, u32)>,
    /// Jobs that this thread was told to have brought to an end, with the end.
    ended: Vec<(u64, State)>,
}

/// Jobs that run, and that any thread may end.
type Running = Mutex<Vec<(u64, u32)>>;

pub(super) fn torture(make: Maker<'_>, seed: u64) {
    let probe = Probe::new(make);
    let running = Running::default();
    let told: Vec<Told> = std::thread::scope(|scope| {
        let (probe, running) = (&probe, &running);
        let one = |thread| move || play(probe, running, Rng::with_seed(seed.wrapping_add(thread)));
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(one(thread)))
            .collect();
        threads.into_iter().map(|one| one.join().unwrap()).collect()
    });
    check(&probe, &told);
}

fn play(probe: &Probe, running: &Running, mut random: Rng) -> Told {
    let mut told = Told::default();
    for _ in 0..STEPS {
        match random.u8(0..20) {
            0..=4 => submit(probe, running, &mut random, &mut told),
            5..=9 => claim(probe, running, &mut random, &mut told),
            10..=15 => finish(probe, running, &mut random, &mut told),
            16 => cancel(probe, &mut random, &mut told),
            17 => retry(probe, &mut random, &mut told),
            18 => probe.advance(std::time::Duration::from_millis(random.u64(0..500))),
            _ => promote(probe, &mut told),
        }
    }
    told
}

fn submit(probe: &Probe, running: &Running, random: &mut Rng, told: &mut Told) {
    let now = probe.now();
    let jobs: Vec<_> = (0..random.usize(1..4))
        .map(|_| requests::job(random, now))
        .collect();
    for job in probe.submit(jobs) {
        told.accepted.insert(job.sequence, job.id);
        if job.state == State::Running && !job.deduplicated {
            told.started.push((job.sequence, 1));
            running.lock().unwrap().push((job.sequence, 1));
        }
    }
}

fn some(random: &mut Rng, told: &Told) -> Option<(u64, JobId)> {
    let known = told.accepted.iter();
    random
        .choice(known.collect::<Vec<_>>())
        .map(|(sequence, id)| (*sequence, *id))
}

fn claim(probe: &Probe, running: &Running, random: &mut Rng, told: &mut Told) {
    let asked: Vec<u64> = (0..3)
        .filter_map(|_| some(random, told))
        .map(|(s, _)| s)
        .collect();
    let started: Vec<(u64, u32)> = probe
        .claim(&asked)
        .iter()
        .map(|job| (job.sequence, job.attempt))
        .collect();
    told.started.extend(&started);
    running.lock().unwrap().extend(started);
}

fn finish(probe: &Probe, running: &Running, random: &mut Rng, told: &mut Told) {
    let one = {
        let mut running = running.lock().unwrap();
        let Some(index) = random.choice(0..running.len()) else {
            return;
        };
        // Now and then it stays in the list, to be ended again by another thread.
        if random.u8(0..4) == 0 {
            running[index]
        } else {
            running.swap_remove(index)
        }
    };
    let ended = requests::finished(random, one.0, one.1, probe.now());
    let next = ended.next;
    if probe.finish_all([ended])[0] == Fenced::Applied
        && let Next::End(state) = next
    {
        told.ended.push((one.0, state));
    }
}

fn cancel(probe: &Probe, random: &mut Rng, told: &mut Told) {
    let Some((sequence, id)) = some(random, told) else {
        return;
    };
    if matches!(probe.cancel(id), Cancelled::Done { .. }) {
        told.ended.push((sequence, State::Cancelled));
    }
}

fn retry(probe: &Probe, random: &mut Rng, told: &mut Told) {
    let Some((_, id)) = some(random, told) else {
        return;
    };
    if let Ok(job) = probe.retry(id) {
        told.accepted.insert(job.sequence, job.id);
    }
}

fn promote(probe: &Probe, told: &mut Told) {
    let expired = probe.promote_at_most(5).expired;
    let ended = expired.iter().map(|job| (job.sequence, State::Cancelled));
    told.ended.extend(ended);
}

fn check(probe: &Probe, told: &[Told]) {
    let jobs = probe.list(JobFilter::default());
    let accepted: BTreeMap<u64, JobId> =
        told.iter().flat_map(|told| told.accepted.clone()).collect();
    let stored: BTreeMap<u64, JobId> = jobs.iter().map(|job| (job.sequence, job.id)).collect();
    assert_eq!(stored, accepted, "accepted jobs and those that are there");
    let mut starts: BTreeSet<(u64, u32)> = BTreeSet::new();
    for start in told.iter().flat_map(|told| &told.started) {
        assert!(starts.insert(*start), "{start:?} was started twice");
    }
    let mut ends: BTreeMap<u64, State> = BTreeMap::new();
    for (sequence, state) in told.iter().flat_map(|told| &told.ended) {
        let before = ends.insert(*sequence, *state);
        assert_eq!(before, None, "job {sequence} ended twice");
    }
    for job in &jobs {
        let ended = job.state.is_terminal().then_some(job.state);
        assert_eq!(ends.get(&job.sequence).copied(), ended, "{job:?}");
        let numbers: Vec<u32> = job.attempts.iter().map(|attempt| attempt.number).collect();
        assert_eq!(numbers, (1..=job.attempt).collect::<Vec<_>>(), "{job:?}");
        let last = (job.sequence, job.attempt);
        assert!(job.attempt == 0 || starts.contains(&last), "{job:?}");
    }
    let mut tally = bursar_core::Tally::default();
    jobs.iter().for_each(|job| tally.0[job.state as usize] += 1);
    assert_eq!(probe.tally(), tally);
}
