//! An engine with real executors, a real clock and a task for each.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::{
    AsyncTasks, Engine, EngineBuilder, EngineOptions, ExecutorKind, Handler, JobFilter, List,
    Order, State, Store, Task, TaskOptions, ThreadPool, Ticket,
};
use bursar_testkit::PATIENCE;
use tokio::runtime::{Builder, Runtime};

use crate::lanes::Lanes;
use crate::tasks::{Budget, asynchronous, blocking};

/// Attempts at once, of each executor.
pub(crate) const SLOTS: usize = 5;

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) budget: Budget,
    // Dropped after the engine: its handlers run here.
    _runtime: Runtime,
}

/// Whether an argument makes its handler run until it is stopped: such jobs have a timeout.
pub(crate) fn is_endless(number: u16) -> bool {
    number.to_string().starts_with('9')
}

#[expect(clippy::unwrap_used, reason = "a world of tests")]
impl World {
    pub(crate) fn new(store: Arc<dyn Store>, seed: u64) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let options = EngineOptions {
            memory: Some(100),
            default_memory: 1,
            tokens: vec![("gpu".into(), 2)],
            concurrency: ExecutorKind::ALL.map(|kind| (kind, SLOTS as u32)).to_vec(),
            grace: Duration::from_secs(20),
            seed: Some(seed),
            ..EngineOptions::default()
        };
        let tasks = AsyncTasks::new(runtime.handle().clone());
        let budget = Budget::default();
        let lanes = Lanes::new(&budget, seed);
        let engine = EngineBuilder::new(store, options)
            .executor(ExecutorKind::Async, Arc::new(tasks))
            .executor(ExecutorKind::Thread, Arc::new(ThreadPool::new()))
            .executor(ExecutorKind::Process, Arc::new(lanes))
            .start()
            .unwrap();
        let register = |name, kind, handler: Handler| {
            let task = Task::new(name, TaskOptions::default(), kind, handler).unwrap();
            engine.register(task).unwrap();
        };
        register("async", ExecutorKind::Async, asynchronous(&budget));
        register("thread", ExecutorKind::Thread, blocking(&budget));
        register("process", ExecutorKind::Process, Handler::Host(0));
        Self {
            engine,
            budget,
            _runtime: runtime,
        }
    }

    /// Waits until no job is left.
    pub(crate) fn drain(&self) {
        let drained = self.engine.drained().wait(Some(PATIENCE));
        assert!(drained.is_some(), "never drained:\n{}", self.left());
    }

    /// The jobs that are left, and why they wait.
    fn left(&self) -> String {
        let mut left = format!("{:#?}\n", self.engine.stats().wait());
        let states = State::ALL.into_iter();
        let unfinished = List {
            filter: JobFilter {
                states: states.filter(|state| !state.is_terminal()).collect(),
                ..JobFilter::default()
            },
            order: Order::default(),
            limit: 10,
            offset: 0,
            after: None,
        };
        let listed = self.engine.list(unfinished).wait();
        for job in listed.into_iter().flat_map(|listed| listed.jobs) {
            let why = self.engine.why(job.id).wait();
            let _ = writeln!(left, "{job:#?}\nwhy: {why:#?}");
        }
        left
    }

    pub(crate) fn state_of(&self, ticket: &Ticket) -> Option<State> {
        let info = self.engine.info(ticket.id(), false).wait().ok()?;
        Some(info.state)
    }
}
