//! Threads that use an engine at random.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use bursar_core::{Backoff, Engine, JobId, Payload, Priority, Submission, TaskOptions, Ticket};
use fastrand::Rng;

use crate::world::{World, is_endless};

const THREADS: u64 = 3;

pub(crate) type Tickets = Vec<Arc<Ticket>>;

/// Plays `steps` steps in each thread; gives the tickets of all jobs that were accepted.
pub(crate) fn play(world: &World, seed: u64, steps: usize) -> Tickets {
    let players = |thread: u64| {
        let mut player = Player::new(&world.engine, seed.wrapping_add(thread));
        (0..steps).for_each(|_| player.step());
        player.tickets
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || players(thread)))
            .collect();
        threads.into_iter().flat_map(played).collect()
    })
}

/// Plays until the engine is closed, which happens meanwhile.
pub(crate) fn play_until_shutdown(world: &World, seed: u64) -> Tickets {
    let engine = &world.engine;
    let players = |thread: u64| {
        let mut player = Player::new(engine, seed.wrapping_add(thread));
        while !engine.is_closed() {
            player.step();
        }
        player.tickets
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || players(thread)))
            .collect();
        let mut events = engine.events(None);
        bursar_testkit::until("a few hundred events", || {
            let seen = std::iter::from_fn(|| events.try_next()).take(1);
            seen.count() > 0 && engine.unfinished() > 20
        });
        let closed = engine.shutdown(Some(Duration::from_millis(20)));
        let tickets = threads.into_iter().flat_map(played).collect();
        assert!(
            closed.wait(Some(bursar_testkit::PATIENCE)).is_some(),
            "never closed"
        );
        tickets
    })
}

/// What a thread has played; a failure in it is one of the test.
fn played(thread: ScopedJoinHandle<'_, Tickets>) -> Tickets {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

struct Player<'a> {
    engine: &'a Engine,
    random: Rng,
    tickets: Tickets,
}

impl<'a> Player<'a> {
    fn new(engine: &'a Engine, seed: u64) -> Self {
        Self {
            engine,
            random: Rng::with_seed(seed),
            tickets: Tickets::new(),
        }
    }

    /// An engine that is being closed may refuse any of these.
    fn step(&mut self) {
        match self.random.u8(0..20) {
            0..=11 => self.submit(),
            12 | 13 => drop(
                self.any()
                    .map(|id| self.engine.cancel(id, "torture").wait()),
            ),
            14 => drop(self.any().map(|id| drop(self.engine.cancel(id, "torture")))),
            15 => self.retry(),
            16 => drop(self.any().map(|id| self.engine.why(id).wait())),
            17 => drop(self.engine.stats().wait()),
            _ => self.wait(),
        }
    }

    fn any(&mut self) -> Option<JobId> {
        self.random.choice(&self.tickets).map(|ticket| ticket.id())
    }

    fn submit(&mut self) {
        let calls: Vec<Submission> = match self.random.u8(..6) {
            // Alike and urgent, as jobs are that follow each other.
            0 => (0..12).filter_map(|_| self.call("process")).collect(),
            _ => {
                let count = self.random.usize(1..4);
                (0..count).filter_map(|_| self.any_call()).collect()
            }
        };
        if let Ok(accepted) = self.engine.submit(calls).wait() {
            self.tickets
                .extend(accepted.into_iter().map(|job| job.ticket));
        }
    }

    fn any_call(&mut self) -> Option<Submission> {
        let name = ["async", "thread", "process"][self.random.usize(..3)];
        self.call(name)
    }

    fn call(&mut self, name: &str) -> Option<Submission> {
        let random = &mut self.random;
        let number = random.u16(..);
        let alike = name == "process";
        let brief = Duration::from_micros(random.u64(1..3_000));
        let options = TaskOptions {
            priority: Some(Priority::ALL[random.usize(0..if alike { 2 } else { 4 })]),
            memory: Some(if alike { 15 } else { random.u64(0..=100) }),
            tokens: (!alike && random.u8(0..4) == 0)
                .then(|| vec![("gpu".into(), random.u64(1..=2))]),
            retries: Some(random.u32(0..3)),
            retry_delay: Some(Duration::from_micros(200)),
            backoff: Some(Backoff::Fixed),
            timeout: is_endless(number).then_some(brief),
            delay: (random.u8(0..8) == 0).then_some(brief),
            expires: (random.u8(0..16) == 0).then_some(brief),
            unique: (random.u8(0..8) == 0).then(|| format!("key-{}", number % 4).into()),
            ..TaskOptions::default()
        };
        let plan = self.engine.plan(name, &options).ok()?;
        let args = Payload::json(number.to_string().into_bytes());
        Some(Submission::new(plan, args))
    }

    fn retry(&mut self) {
        let Some(id) = self.any() else { return };
        if let Ok(accepted) = self.engine.retry(id).wait() {
            self.tickets.push(accepted.ticket);
        }
    }

    /// Waits for a job a little; the job goes on.
    fn wait(&mut self) {
        if let Some(ticket) = self.random.choice(&self.tickets) {
            ticket.wait(Some(Duration::from_micros(50)));
        }
    }
}
