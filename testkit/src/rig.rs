use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bursar_core::{
    Dimension, Engine, EngineBuilder, EngineOptions, ExecutorKind, Final, Gauge, Handler, JobInfo,
    ManualClock, MemoryOptions, MemoryStore, Payload, Plan, Share, State, Stats, Store, Submission,
    Task, TaskOptions, Ticket, Usage,
};

use crate::{PATIENCE, Script, until};

/// Bytes of memory in use, of 100, as the test says.
#[derive(Clone, Debug, Default)]
pub struct Scale(Arc<AtomicU64>);

impl Scale {
    /// Sets what is used.
    pub fn set(&self, used: u64) {
        self.0.store(used, Ordering::SeqCst);
    }
}

impl Gauge for Scale {
    fn usage(&self) -> Option<Usage> {
        Some(Usage {
            used: self.0.load(Ordering::SeqCst),
            limit: 100,
            ..Usage::default()
        })
    }
}

/// An engine whose clock, executor and memory the test moves by hand.
#[derive(Debug)]
pub struct Rig {
    /// The engine.
    pub engine: Engine,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// What it starts.
    pub script: Arc<Script>,
    /// What it measures.
    pub scale: Scale,
    plain: Arc<Plan>,
    later: Arc<Plan>,
}

/// What a [`Rig`] is made of.
#[derive(Debug)]
pub struct RigBuilder {
    options: EngineOptions,
    store: Arc<dyn Store>,
}

impl Default for RigBuilder {
    fn default() -> Self {
        let memory = MemoryOptions {
            seed: Some(1),
            ..MemoryOptions::default()
        };
        let options = EngineOptions {
            memory: Some(256_000_000),
            seed: Some(1),
            ..EngineOptions::default()
        };
        Self {
            options,
            store: Arc::new(MemoryStore::new(memory)),
        }
    }
}

impl RigBuilder {
    /// Changes the options of the engine; memory is 256 MB unless it is changed.
    #[must_use]
    pub fn options(mut self, change: impl FnOnce(&mut EngineOptions)) -> Self {
        change(&mut self.options);
        self
    }

    /// So many attempts at once.
    #[must_use]
    pub fn slots(self, slots: u32) -> Self {
        self.options(|options| {
            options.concurrency = ExecutorKind::ALL.map(|kind| (kind, slots)).to_vec();
        })
    }

    /// Keeps the jobs in this store.
    #[must_use]
    pub fn store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = store;
        self
    }

    /// Starts the engine.
    ///
    /// # Panics
    /// Where it can't be started.
    #[must_use]
    #[expect(clippy::unwrap_used, reason = "a rig is only for tests")]
    pub fn start(self) -> Rig {
        let (clock, script) = (
            Arc::new(ManualClock::default()),
            Arc::new(Script::default()),
        );
        let scale = Scale::default();
        let engine = EngineBuilder::new(self.store, self.options)
            .clock(Arc::<ManualClock>::clone(&clock))
            .gauge(Box::new(scale.clone()))
            .executor(ExecutorKind::Async, Arc::<Script>::clone(&script))
            .start()
            .unwrap();
        let plain = engine
            .register(task("plain", TaskOptions::default()))
            .unwrap();
        let free = TaskOptions {
            memory: Some(0),
            ..TaskOptions::default()
        };
        let later = engine.register(task("later", free)).unwrap();
        Rig {
            engine,
            clock,
            script,
            scale,
            plain,
            later,
        }
    }
}

#[expect(clippy::unwrap_used, reason = "a rig is only for tests")]
fn task(name: &str, options: TaskOptions) -> Task {
    Task::new(name, options, ExecutorKind::Async, Handler::Host(0)).unwrap()
}

#[expect(clippy::unwrap_used, reason = "a rig is only for tests")]
impl Rig {
    /// An engine over a memory store with room for 8 jobs of 32 MB.
    #[must_use]
    pub fn new() -> Self {
        RigBuilder::default().start()
    }

    /// What a rig is made of, to change it.
    #[must_use]
    pub fn builder() -> RigBuilder {
        RigBuilder::default()
    }

    /// The plan of a job with these options.
    ///
    /// # Panics
    /// Where they don't fit the engine.
    pub fn plan(&self, options: TaskOptions) -> Arc<Plan> {
        self.engine.plan("plain", &options).unwrap()
    }

    /// Submits one plain job.
    pub fn submit(&self) -> Arc<Ticket> {
        self.submit_plan(&self.plain)
    }

    /// Submits one job with these options.
    pub fn submit_with(&self, change: impl FnOnce(&mut TaskOptions)) -> Arc<Ticket> {
        let mut options = TaskOptions::default();
        change(&mut options);
        self.submit_plan(&self.plan(options))
    }

    /// Submits one job of this plan.
    ///
    /// # Panics
    /// Where the store refuses it.
    pub fn submit_plan(&self, plan: &Arc<Plan>) -> Arc<Ticket> {
        let call = Submission::new(Arc::clone(plan), Payload::Null);
        let accepted = self.engine.submit([call]).wait().unwrap();
        Arc::clone(&accepted[0].ticket)
    }

    /// Cancels a job; whether that could still be done.
    pub fn cancel(&self, ticket: &Ticket) -> bool {
        self.engine
            .cancel(ticket.id(), "not needed")
            .wait()
            .unwrap()
    }

    /// Waits for the end of a job.
    ///
    /// # Panics
    /// Where it doesn't come within [`PATIENCE`].
    #[expect(clippy::expect_used, reason = "a rig is only for tests")]
    pub fn end_of(&self, ticket: &Ticket) -> Final {
        ticket.wait(Some(PATIENCE)).expect("the job never ended")
    }

    /// Waits for the end of a job; its state.
    pub fn final_state(&self, ticket: &Ticket) -> State {
        self.end_of(ticket).state
    }

    /// A snapshot of a job.
    pub fn info(&self, ticket: &Ticket) -> JobInfo {
        self.engine.info(ticket.id(), true).wait().unwrap()
    }

    /// Where a job stands in the store.
    pub fn state(&self, ticket: &Ticket) -> State {
        self.info(ticket).state
    }

    /// Why a job isn't running, in words.
    pub fn why(&self, ticket: &Ticket) -> String {
        self.engine.why(ticket.id()).wait().unwrap().to_string()
    }

    /// Waits until a job is in this state.
    pub fn reaches(&self, ticket: &Ticket, state: State) {
        until(state.as_str(), || self.state(ticket) == state);
    }

    /// The engine at this moment.
    pub fn stats(&self) -> Stats {
        self.engine.stats().wait().unwrap()
    }

    /// What there is of a dimension and what is taken.
    pub fn share(&self, dimension: &Dimension) -> Share {
        let stats = self.stats();
        let slots = stats.concurrency.into_iter().map(|(_, share)| share);
        let mut shares = stats.budget.into_iter().chain(slots);
        shares.find(|share| share.dimension == *dimension).unwrap()
    }

    /// The bytes that are reserved.
    pub fn reserved(&self) -> u64 {
        self.share(&Dimension::Memory).reserved
    }

    /// The slots that are taken.
    pub fn slots(&self) -> u64 {
        self.share(&Dimension::Slots(ExecutorKind::Async)).reserved
    }

    /// Moves the clock and waits until the engine has looked at it.
    pub fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.settle();
    }

    /// Waits until the engine has done what the time has come for: a job that becomes due now is
    /// seen to be queued only after everything that was due before.
    pub fn settle(&self) {
        let mut call = Submission::new(Arc::clone(&self.later), Payload::Null);
        call.delay = Some(Duration::from_micros(1));
        let accepted = self.engine.submit([call]).wait().unwrap();
        let probe = &accepted[0].ticket;
        self.clock.advance(Duration::from_micros(1));
        until("a look at the clock", || {
            self.state(probe) != State::Scheduled
        });
        if !self.cancel(probe) {
            return;
        }
        if self.state(probe) == State::Running {
            until("the probe", || self.end_probe(probe));
        }
        self.final_state(probe);
    }

    /// Ends the probe of [`settle`](Self::settle) where it was started: what else was started stays
    /// to be taken, in its order.
    fn end_probe(&self, probe: &Ticket) -> bool {
        self.script.end_job(probe.id());
        probe.is_done()
    }

    /// Nothing runs, nothing is held, and the pool is whole.
    ///
    /// # Panics
    /// Where anything is left.
    pub fn is_at_rest(&self) {
        // A probe of `settle` that was cancelled while it was about to start gives its slot back soon.
        until("what was reserved to be given back", || {
            let stats = self.stats();
            let slots = stats.concurrency.iter().map(|(_, share)| share);
            let mut shares = stats.budget.iter().chain(slots);
            shares.all(|share| share.reserved == 0)
        });
        let stats = self.stats();
        assert_eq!(self.engine.unfinished(), 0, "tickets are left");
        assert_eq!(stats.jobs.unfinished(), 0, "{:?}", stats.jobs);
    }
}

impl Default for Rig {
    fn default() -> Self {
        Self::new()
    }
}
