//! Engines on one store at random, with random deaths: when it is over, each job that was accepted has
//! one recorded end, and no attempt of it was run by two.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bursar_core::{
    Attempt, Backoff, JobId, JobInfo, List, MemoryOptions, Order, OutcomeKind, State, Store, Ticket,
};
use bursar_testkit::stores::{Shared, SharedStore};
use bursar_testkit::{Rig, Seed, until};
use fastrand::Rng;

const STEPS: usize = 1_500;
const WORKERS: usize = 3;
const SECOND: Duration = Duration::from_secs(1);

/// One process.
struct Process {
    rig: Rig,
    store: Arc<SharedStore>,
    running: Vec<Arc<Attempt>>,
}

struct World {
    shared: Shared,
    client: Rig,
    processes: Vec<Process>,
    random: Rng,
    tickets: Vec<Arc<Ticket>>,
    /// Every attempt that was ever handed to code, by its job and number.
    begun: HashSet<(JobId, u32)>,
    time: Duration,
}

impl World {
    fn new(seed: u64) -> Self {
        // Whatever time the drain takes, every job is there to be looked at in the end.
        let shared = Shared::new(MemoryOptions {
            result_ttl: Duration::from_secs(u32::MAX.into()),
            seed: Some(seed),
            ..MemoryOptions::default()
        });
        let only_submits = Rig::builder().options(|options| options.run = false);
        let client = only_submits.store(shared.open()).start();
        let mut world = Self {
            shared,
            client,
            processes: Vec::new(),
            random: Rng::with_seed(seed),
            tickets: Vec::new(),
            begun: HashSet::new(),
            time: Duration::ZERO,
        };
        (0..WORKERS).for_each(|_| world.begin_process());
        world
    }

    fn begin_process(&mut self) {
        let store = self.shared.open();
        let same: Arc<dyn Store> = Arc::<SharedStore>::clone(&store);
        let rig = Rig::builder().store(same).slots(3).start();
        rig.clock.advance(self.time);
        let running = Vec::new();
        self.processes.push(Process {
            rig,
            store,
            running,
        });
    }

    fn step(&mut self) {
        let index = self.random.usize(0..self.processes.len());
        self.take(index);
        match self.random.u8(0..40) {
            0..=11 => self.submit(index),
            12..=27 => self.end(index),
            28..=30 => self.cancel(index),
            31..=35 => self.pass(Duration::from_millis(700)),
            36 => self.processes[index].store.declare_dead(),
            37 => drop({
                let dies = self.processes.swap_remove(index);
                self.begin_process();
                dies
            }),
            38 if self.random.u8(0..4) == 0 => self.shared.forget_changes(),
            _ => match self.random.u8(0..4) {
                0 => self.processes[index].store.hold_news(),
                1 => self.processes[index].store.hold_page(),
                _ => self
                    .processes
                    .iter()
                    .for_each(|one| one.store.let_news_go()),
            },
        }
    }

    /// No two run an attempt with the same number.
    fn take(&mut self, index: usize) {
        let process = &mut self.processes[index];
        while let Some(attempt) = process.rig.script.take() {
            let new = self.begun.insert((attempt.job(), attempt.number()));
            assert!(
                new,
                "attempt {} of {} ran twice",
                attempt.number(),
                attempt.job()
            );
            let live = process
                .running
                .iter()
                .filter(|one| one.job() == attempt.job());
            assert!(
                live.into_iter().all(|one| one.is_closed()),
                "twice at once in one engine"
            );
            process.running.push(attempt);
        }
    }

    fn submit(&mut self, index: usize) {
        let random = &mut self.random;
        let rig = match random.bool() {
            true => &self.client,
            false => &self.processes[index].rig,
        };
        let (delayed, retries) = (random.u8(0..5) == 0, random.u32(0..3));
        self.tickets.push(rig.submit_with(|options| {
            options.delay = delayed.then_some(SECOND);
            options.retries = Some(retries);
            options.retry_delay = Some(SECOND);
            options.backoff = Some(Backoff::Fixed);
        }));
    }

    fn end(&mut self, index: usize) {
        let process = &mut self.processes[index];
        if process.running.is_empty() {
            return;
        }
        let any = self.random.usize(0..process.running.len());
        let attempt = process.running.swap_remove(any);
        match self.random.u8(0..4) {
            0 => process.rig.script.fail(&attempt),
            _ => process.rig.script.complete(&attempt),
        }
    }

    fn cancel(&mut self, index: usize) {
        let rig = &self.processes[index].rig;
        if let Some(ticket) = self.random.choice(&self.tickets) {
            rig.engine.cancel(ticket.id(), "torture").wait().unwrap();
        }
    }

    fn pass(&mut self, time: Duration) {
        self.time += time;
        self.client.clock.advance(time);
        for process in &self.processes {
            process.rig.clock.advance(time);
        }
    }

    /// Lets everything end. Handles of a process that has died are told at once that their engine is
    /// gone, so the store is asked.
    fn drain(&mut self) {
        for process in &self.processes {
            process.store.let_news_go();
        }
        until("every job to end", || {
            self.pass(SECOND);
            for index in 0..self.processes.len() {
                self.take(index);
                let process = &mut self.processes[index];
                let ended = process.running.drain(..);
                ended.for_each(|attempt| process.rig.script.complete(&attempt));
            }
            let stats = self.client.stats();
            stats.jobs.unfinished() == 0 && self.tickets.iter().all(|ticket| ticket.is_done())
        });
        for rig in self
            .processes
            .iter()
            .map(|one| &one.rig)
            .chain([&self.client])
        {
            // What was started meanwhile has lost its job: it was asked to stop.
            until("rest", || {
                while let Some(attempt) = rig.script.take() {
                    rig.script.complete(&attempt);
                }
                rig.reserved() == 0 && rig.engine.unfinished() == 0
            });
            rig.is_at_rest();
        }
    }

    fn jobs(&self) -> BTreeMap<JobId, JobInfo> {
        let everything = List {
            filter: Default::default(),
            order: Order::Oldest,
            limit: usize::MAX,
            offset: 0,
            after: None,
        };
        let jobs = self.client.engine.list(everything).wait().unwrap().jobs;
        jobs.into_iter().map(|job| (job.id, job)).collect()
    }
}

fn has_one_end(job: &JobInfo) {
    let numbers: Vec<u32> = job.attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, (1..=job.attempt).collect::<Vec<_>>(), "{job:?}");
    assert!(
        job.attempts.iter().all(|attempt| attempt.outcome.is_some()),
        "{job:?}"
    );
    let completed = |job: &JobInfo| {
        let all = job.attempts.iter().map(|attempt| attempt.outcome);
        all.filter(|outcome| *outcome == Some(OutcomeKind::Completed))
            .count()
    };
    let expected = usize::from(job.state == State::Completed);
    assert_eq!(completed(job), expected, "{job:?}");
    let lost = job
        .attempts
        .iter()
        .filter(|one| one.outcome == Some(OutcomeKind::Lost));
    assert!(lost.count() <= 3, "{job:?}");
}

fn play(seed: u64) -> usize {
    let mut world = World::new(seed);
    (0..STEPS).for_each(|_| world.step());
    world.drain();
    let jobs = world.jobs();
    assert_eq!(
        jobs.len(),
        world.tickets.len(),
        "jobs in the store and jobs accepted"
    );
    jobs.values().for_each(has_one_end);
    // Those whose engine lives were told what the store says; the others that it was gone.
    for ticket in &world.tickets {
        let told = ticket.outcome().unwrap();
        let gone = told.state == State::Cancelled;
        assert!(
            gone || told.state == jobs[&ticket.id()].state,
            "{}",
            ticket.id()
        );
    }
    let lost = jobs.values().flat_map(|job| &job.attempts);
    lost.filter(|one| one.outcome == Some(OutcomeKind::Lost))
        .count()
}

#[test]
fn whoever_dies_each_job_is_recorded_once() {
    let seed = Seed::from_env();
    let lost: usize = (0..4)
        .map(|round| play(seed.get().wrapping_add(round)))
        .sum();
    assert!(lost > 20, "only {lost} attempts were lost");
}
