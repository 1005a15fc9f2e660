//! The handle that a program owns, and how it is made.

use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::command::{COMMAND_TASK, CommandCall};
use crate::engine::dispatch::{Dispatch, Gate};
use crate::engine::driver::{Driver, DriverStart};
use crate::engine::finish::Reporter;
use crate::engine::inner::{Inner, Parts};
use crate::engine::plan::Plan;
use crate::engine::pool::Pool;
use crate::engine::stats::Stats;
use crate::engine::submit::{Accepted, Submission};
use crate::engine::ticket::Ticket;
use crate::engine::why::Why;
use crate::error::{Error, Result};
use crate::event::Events;
use crate::executor::Executor;
use crate::id::JobId;
use crate::job::{ExecutorKind, JobFilter, JobInfo};
use crate::ledger::Ledger;
use crate::limits::{Gauge, HostGauge};
use crate::options::{EngineOptions, TaskOptions};
#[cfg(all(target_os = "linux", not(loom)))]
use crate::process::Processes;
use crate::scheduler::{EscrowPolicy, Scheduler};
use crate::signal::Signal;
use crate::spill::Captured;
use crate::store::{Backup, Batch, Capabilities, Count, List, Listed, Reply, Store};
use crate::task::Task;

/// A running engine. Clones are handles on the same one; when the last is dropped without
/// [`shutdown`](Self::shutdown), what runs is left to itself.
#[derive(Clone, Debug)]
pub struct Engine {
    inner: Arc<Inner>,
}

/// What an [`Engine`] is made of.
#[derive(Debug)]
pub struct EngineBuilder {
    store: Arc<dyn Store>,
    options: EngineOptions,
    clock: Arc<dyn Clock>,
    gauge: Option<Box<dyn Gauge>>,
    escrow: EscrowPolicy,
    executors: Vec<(ExecutorKind, Arc<dyn Executor>)>,
    backup: Option<Arc<dyn Backup>>,
    #[cfg(all(target_os = "linux", not(loom)))]
    processes: Arc<Processes>,
}

impl EngineBuilder {
    /// An engine on `store`, with the clock and the memory of this machine.
    pub fn new(store: Arc<dyn Store>, options: EngineOptions) -> Self {
        Self {
            store,
            options,
            clock: Arc::new(SystemClock::new()),
            gauge: None,
            escrow: EscrowPolicy::default(),
            executors: Vec::new(),
            backup: None,
            #[cfg(all(target_os = "linux", not(loom)))]
            processes: Processes::new(),
        }
    }

    /// What its executors start processes with: one for all of them.
    #[cfg(all(target_os = "linux", not(loom)))]
    pub fn processes(&self) -> Arc<Processes> {
        Arc::clone(&self.processes)
    }

    /// Copies the store with `backup`.
    #[must_use]
    pub fn backup(mut self, backup: Arc<dyn Backup>) -> Self {
        self.backup = Some(backup);
        self
    }

    /// Takes the time from `clock`.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Measures memory with `gauge`.
    #[must_use]
    pub fn gauge(mut self, gauge: Box<dyn Gauge>) -> Self {
        self.gauge = Some(gauge);
        self
    }

    /// How long a job that doesn't fit may be passed by others.
    #[must_use]
    pub fn escrow(mut self, policy: EscrowPolicy) -> Self {
        self.escrow = policy;
        self
    }

    /// Runs attempts of `kind` with `executor`.
    #[must_use]
    pub fn executor(mut self, kind: ExecutorKind, executor: Arc<dyn Executor>) -> Self {
        self.executors.push((kind, executor));
        self
    }

    /// Starts the engine.
    ///
    /// # Errors
    /// `Unavailable` where the system gives no thread.
    pub fn start(self) -> Result<Engine> {
        let (engine, start) = self.build()?;
        start.run(engine.inner.this.clone());
        engine.inner.begin_to_follow();
        Ok(engine)
    }

    /// The engine, and what lets its own thread begin.
    pub(crate) fn build(self) -> Result<(Engine, DriverStart)> {
        let host = HostGauge::new();
        let pool = Pool::new(&self.options, host.default_budget());
        let gate = Gate {
            submit_only: !self.options.run,
            ..Gate::default()
        };
        let scheduler = Scheduler::new(pool.dimensions.len(), self.escrow);
        let dispatch = Dispatch::new(scheduler, Ledger::new(pool.totals.clone()), gate);
        let name = self.options.name.as_deref().unwrap_or("engine");
        let (driver, start) = Driver::start(name, Arc::clone(&self.clock))?;
        #[cfg(all(target_os = "linux", not(loom)))]
        let host = {
            let watchdog = Arc::clone(self.processes.watchdog());
            host.counting(move || watchdog.memory())
        };
        let gauge = self.gauge.unwrap_or_else(|| Box::new(host));
        let (store, clock, options, executors) =
            (self.store, self.clock, self.options, self.executors);
        let inner = Inner::new(Parts {
            store,
            clock,
            options,
            executors,
            gauge,
            pool,
            dispatch,
            driver,
            backup: self.backup,
        });
        for (_, executor) in &inner.executors {
            executor.attach(Reporter(inner.this.clone()));
        }
        inner.know_commands()?;
        Ok((Engine { inner }, start))
    }
}

impl Engine {
    /// The options it was opened with.
    pub fn options(&self) -> &EngineOptions {
        &self.inner.options
    }

    /// What its store can do.
    pub fn capabilities(&self) -> Capabilities {
        self.inner.store.capabilities()
    }

    /// Its clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// Registers a task and settles its options.
    ///
    /// # Errors
    /// `Conflict` for a name that is taken;
    /// `Invalid` for an executor that this engine doesn't have.
    pub fn register(&self, task: Task) -> Result<Arc<Plan>> {
        self.inner.register(task)
    }

    /// The task `name` with `options` over its own. One that isn't registered here may be so in another
    /// engine on a durable store: jobs of its plan wait for one that knows it.
    ///
    /// # Errors
    /// `NotFound` for an unknown task where nobody else can know it; `BudgetExceeded` where the job could never run; `Invalid`
    /// for an executor that this engine doesn't have.
    pub fn plan(&self, name: &str, options: &TaskOptions) -> Result<Arc<Plan>> {
        self.inner.plan(name, options)
    }

    /// A call of a program, to be submitted with `options`.
    ///
    /// # Errors
    /// `Invalid` for what can't be run, as far as it is known here (see [`CommandCall::payload`]), and
    /// where this engine has no executor of commands; `BudgetExceeded` where it could never run.
    pub fn command(&self, call: &CommandCall, options: &TaskOptions) -> Result<Submission> {
        let here = !self.capabilities().durable && self.inner.options.run;
        let args = call.payload(here)?;
        self.inner.executor(ExecutorKind::Command)?;
        let plan = self.plan(COMMAND_TASK, options)?;
        if here {
            plan.sandbox.check_places()?;
        }
        Ok(Submission::new(plan, args))
    }

    /// Submits calls, all of them or none, in one round trip to the store. They are accepted once
    /// the reply is there.
    pub fn submit(&self, calls: impl IntoIterator<Item = Submission>) -> Reply<Batch<Accepted>> {
        self.inner.submit(calls.into_iter().collect())
    }

    /// A handle on the job with this id.
    pub fn ticket(&self, id: JobId) -> Reply<Arc<Ticket>> {
        self.inner.ticket(id)
    }

    /// A snapshot of the job with this id, with its log lines if asked for.
    pub fn info(&self, id: JobId, logs: bool) -> Reply<JobInfo> {
        self.inner.info(id, logs)
    }

    /// What an attempt of the job wrote beside its result under this name, such as `stdout`: that of the
    /// newest attempt which has it.
    ///
    /// # Errors
    /// The reply is `NotFound` where there is none, or no such job.
    pub fn output(&self, id: JobId, name: &str) -> Reply<Captured> {
        self.inner.output(id, name)
    }

    /// A page of jobs.
    pub fn list(&self, request: List) -> Reply<Listed> {
        self.inner.store.list(request)
    }

    /// How many jobs match.
    pub fn count(&self, filter: JobFilter) -> Reply<u64> {
        self.inner.store.count(Count { filter })
    }

    /// Cancels a job: at once where it waits, by asking where it runs. `false` if it had ended.
    pub fn cancel(&self, id: JobId, reason: &str) -> Reply<bool> {
        self.inner.cancel(id, reason)
    }

    /// Cancels a job, and ends it by force at once, without its grace, where it runs here in processes
    /// of its own. `false` if it had ended.
    pub fn kill(&self, id: JobId, reason: &str) -> Reply<bool> {
        self.inner.kill(id, reason)
    }

    /// Freezes a job that runs here in processes of its own. It keeps what it reserved; the time until it
    /// goes on doesn't count to its timeout. `false` where it was paused already.
    ///
    /// # Errors
    /// The reply is `Conflict` where it doesn't run here; `Invalid` where it runs in this process, and
    /// so can't be frozen.
    pub fn pause(&self, id: JobId) -> Reply<bool> {
        self.inner.pause(id)
    }

    /// Lets a paused job go on. `false` where it wasn't paused.
    ///
    /// # Errors
    /// The reply is `Conflict` where it doesn't run here.
    pub fn resume(&self, id: JobId) -> Reply<bool> {
        self.inner.resume(id)
    }

    /// Submits a dead letter again, as a new job linked to the old one.
    pub fn retry(&self, id: JobId) -> Reply<Accepted> {
        self.inner.retry(id)
    }

    /// Deletes a job that has ended.
    pub fn delete(&self, id: JobId) -> Reply<()> {
        self.inner.delete(id)
    }

    /// Writes a copy of the store to a new file, while everything goes on.
    ///
    /// # Errors
    /// The reply is `Invalid` where the store ends with the process; `Conflict` where there is a
    /// file; `Unavailable` where it can't be written.
    pub fn backup(&self, path: &Path) -> Reply<()> {
        self.inner.backup(path)
    }

    /// Calls `then` with an answer: here and now where it is known, else on the engine's own thread
    /// once it is there. For hosts whose loop must not wait; `then` must not keep the thread.
    pub fn on_reply<T: Send + 'static>(
        &self,
        reply: Reply<T>,
        then: impl FnOnce(Result<T>) + Send + 'static,
    ) {
        let told = Told(Some(then), PhantomData);
        self.inner
            .with_reply(reply, move |_, answer| told.tell(answer));
    }

    /// Why the job isn't running.
    pub fn why(&self, id: JobId) -> Reply<Why> {
        self.inner.why(id)
    }

    /// Job counts by state, and what of the budget is used.
    pub fn stats(&self) -> Reply<Stats> {
        self.inner.stats()
    }

    /// Asks the store what time has brought, as the engine's own thread does.
    #[cfg(loom)]
    pub(crate) fn promote(&self) {
        self.inner.promote();
    }

    /// Listens to what happens from now on: to one job, or to all.
    pub fn events(&self, job: Option<JobId>) -> Events {
        self.inner.events.listen(job)
    }

    /// How many jobs this engine has accepted that have not ended.
    pub fn unfinished(&self) -> usize {
        self.inner.unfinished()
    }

    /// A signal of the moment when every job that this engine accepted has ended.
    pub fn drained(&self) -> Arc<Signal<()>> {
        self.inner.drained()
    }

    /// Shuts down: nothing more starts; what runs has `grace` (default: the option
    /// `shutdown_grace`) to end and is then cancelled; what is left is given back. The signal
    /// tells when that is done. A second call with a `grace` of zero cuts the first one's short.
    pub fn shutdown(&self, grace: Option<Duration>) -> Arc<Signal<()>> {
        self.inner
            .shutdown(grace.unwrap_or(self.inner.options.shutdown_grace))
    }

    /// Whether it has begun to shut down.
    pub fn is_closed(&self) -> bool {
        self.inner.check_open().is_err()
    }
}

/// Whoever is to be told of an answer; of the engine's end where none comes any more.
struct Told<T, F: FnOnce(Result<T>)>(Option<F>, PhantomData<fn(T)>);

impl<T, F: FnOnce(Result<T>)> Told<T, F> {
    fn tell(mut self, answer: Result<T>) {
        if let Some(then) = self.0.take() {
            then(answer);
        }
    }
}

impl<T, F: FnOnce(Result<T>)> Drop for Told<T, F> {
    fn drop(&mut self) {
        if let Some(then) = self.0.take() {
            then(Err(Error::closed()));
        }
    }
}
