//! The handle that a program owns: submit, look, drain, shut down.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bursar_core::{
    Batch, CommandCall, Engine as Core, EngineOptions, Error, ErrorKind, Events, JobFilter, JobId,
    Reply, Result, Signal, Stats, Submission,
};
use serde_json::Value;

use crate::builder::EngineBuilder;
use crate::call::{Call, Target};
use crate::command::Command;
use crate::job::Job;
use crate::query::JobQuery;
use crate::registry::{Entry, Registry};
use crate::runtime::Runtime;
use crate::submit::Submit;
use crate::task::{Task, TaskBuilder};

/// A running engine. Clones are handles on the same one. When the last handle and the last
/// [`Job`] are gone without a [`shutdown`](Self::shutdown), what runs is left to itself.
///
/// What it answers is a [`Reply`]: await it, or call its `wait` in code that isn't asynchronous.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) core: Core,
    pub(crate) registry: Registry,
    pub(crate) runtime: Runtime,
}

impl Engine {
    /// An engine on the store behind `url`, to be configured and started.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> bursar::Result<()> {
    /// let engine = bursar::Engine::open("memory:").memory("256MB").start().await?;
    /// # engine.shutdown().await
    /// # }
    /// ```
    pub fn open(url: impl Into<String>) -> EngineBuilder {
        EngineBuilder::new(Some(url.into()))
    }

    /// An engine on the store that the environment variable `BURSAR_URL` names; in memory where
    /// it isn't set.
    pub fn from_env() -> EngineBuilder {
        EngineBuilder::new(None)
    }

    pub(crate) fn new(core: Core, runtime: Runtime) -> Self {
        let registry = Registry::default();
        Self {
            shared: Arc::new(Shared {
                core,
                registry,
                runtime,
            }),
        }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn core(&self) -> &Core {
        &self.shared.core
    }

    /// The engine that the bindings for other languages build on.
    pub fn as_core(&self) -> &Core {
        self.core()
    }

    /// The options it was opened with.
    pub fn options(&self) -> &EngineOptions {
        self.core().options()
    }

    /// Registers a function with `#[bursar::task]`.
    ///
    /// # Errors
    /// `Conflict` for a name that is taken; `Invalid` for a wrong option.
    pub fn register(&self, task: Task) -> Result<()> {
        task.register(self)
    }

    /// A task made of a closure, to be configured and registered with
    /// [`run`](TaskBuilder::run) or [`run_blocking`](TaskBuilder::run_blocking).
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// # let engine = bursar::Engine::open("memory:").start().await?;
    /// let greet = engine.task("greet").memory("1MB").run(|name: String| async move { format!("hello {name}") })?;
    /// let job = greet.call("Ada".into()).await?;
    /// assert_eq!(job.result().await?, "hello Ada");
    /// # Ok(())
    /// # }
    /// ```
    pub fn task(&self, name: impl Into<String>) -> TaskBuilder {
        TaskBuilder::new(self.clone(), name.into())
    }

    /// Submits a call, once it is awaited.
    ///
    /// # Errors
    /// The reply is `Invalid` for a wrong option or an argument that JSON can't carry,
    /// `BudgetExceeded` where the job could never run, `NotFound` in memory for a name that no task
    /// has (see [`Call::named`]), `Closed` once the engine shuts down, `Unavailable` where the store
    /// doesn't answer.
    pub fn submit<T>(&self, call: impl Into<Call<T>>) -> Submit<T> {
        Submit::new(self.clone(), call.into())
    }

    /// Runs a program as a job, once it is awaited: its arguments as they are, never a shell. What it
    /// writes is its log, line by line as it comes (levels `stdout` and `stderr`), and its result. It runs
    /// in a session of its own; whatever it starts ends with it, and with this engine's process.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// # let engine = bursar::Engine::open("memory:").start().await?;
    /// let job = engine.command(["tr", "a-z", "A-Z"]).stdin("hello").memory("64MB").timeout("5s").await?;
    /// assert_eq!(job.result().await?.stdout, "HELLO");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// An exit code other than 0 is a failure (`CommandFailed`), a signal a crash (`CommandCrashed`).
    ///
    /// # Errors
    /// The reply is `Invalid` for no program, one that isn't there (where that can be known: in memory), a
    /// folder that isn't, a NUL in an argument, or a wrong option; else as
    /// [`submit`](Self::submit).
    pub fn command<A: Into<String>>(&self, argv: impl IntoIterator<Item = A>) -> Command {
        Command::new(self.clone(), CommandCall::new(argv))
    }

    /// Submits calls, all of them or none, in one round trip to the store.
    ///
    /// # Errors
    /// Those of [`submit`](Self::submit), for the first call that has one.
    pub fn submit_many<T: 'static, C: Into<Call<T>>>(
        &self,
        calls: impl IntoIterator<Item = C>,
    ) -> Reply<Vec<Job<T>>> {
        let submissions: Result<Batch<Submission>> = calls
            .into_iter()
            .map(|call| self.submission(call.into()))
            .collect();
        let submissions = match submissions {
            Ok(submissions) => submissions,
            Err(error) => return Reply::now(Err(error)),
        };
        let engine = self.clone();
        let reply = self.core().submit(submissions);
        reply.map(move |accepted| {
            accepted
                .into_iter()
                .map(|accepted| Job::accepted(&engine, accepted))
                .collect()
        })
    }

    pub(crate) fn accept<T: 'static>(&self, call: Call<T>) -> Reply<Job<T>> {
        match self.submission(call) {
            Ok(submission) => self.accept_submission(submission),
            Err(error) => Reply::now(Err(error)),
        }
    }

    pub(crate) fn accept_submission<T: 'static>(&self, submission: Submission) -> Reply<Job<T>> {
        let engine = self.clone();
        self.core().submit([submission]).then(move |accepted| {
            let job = accepted.into_iter().next();
            let job = job.map(|accepted| Job::accepted(&engine, accepted));
            Reply::now(job.ok_or_else(unanswered))
        })
    }

    fn submission<T>(&self, call: Call<T>) -> Result<Submission> {
        if let Some(priority) = call.changes.only_priority()
            && let Some(entry) = self.entry(&call.target)?
        {
            let plan = entry.plan_with_priority(self.core(), priority)?;
            return Ok(Submission::new(plan, call.args));
        }
        let mut options = call.changes.check()?;
        // These differ from job to job and need no plan of their own.
        let (unique, delay) = (options.unique.take(), options.delay.take());
        let plan = match self.entry(&call.target)? {
            Some(entry) => entry.plan(self.core(), options)?,
            None => self.core().plan(call.target.name(), &options)?,
        };
        Ok(Submission {
            unique,
            delay,
            ..Submission::new(plan, call.args)
        })
    }

    /// What this engine knows of a task; `None` where it can only be found by its name.
    fn entry(&self, target: &Target) -> Result<Option<Arc<Entry>>> {
        let Shared { core, registry, .. } = self.shared();
        match target {
            Target::Function(definition) => registry.entry(core, definition).map(Some),
            Target::Closure(entry) if entry.is_of(registry) => Ok(Some(Arc::clone(entry))),
            Target::Closure(_) | Target::Name(_) => Ok(None),
        }
    }

    /// The job with this id, whose result is left as JSON: [`Job::typed`] names its type.
    ///
    /// # Errors
    /// The reply is `NotFound` where there is none.
    pub fn job(&self, id: JobId) -> Reply<Job<Value>> {
        let engine = self.clone();
        self.core()
            .ticket(id)
            .map(move |ticket| Job::new(&engine, ticket, false))
    }

    /// A page of jobs: the newest 100 that match, unless the query says otherwise.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> bursar::Result<()> {
    /// # let engine = bursar::Engine::open("memory:").start().await?;
    /// use bursar::{JobFilter, State};
    ///
    /// let dead_letters = engine.jobs(JobFilter::default().state(State::Failed)).limit(20).await?;
    /// assert!(dead_letters.jobs.is_empty() && dead_letters.next.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn jobs(&self, filter: JobFilter) -> JobQuery {
        JobQuery::new(self.clone(), filter)
    }

    /// How many jobs match.
    pub fn count(&self, filter: JobFilter) -> Reply<u64> {
        self.core().count(filter)
    }

    /// Job counts by state, and what of the budget is used.
    pub fn stats(&self) -> Reply<Stats> {
        self.core().stats()
    }

    /// Listens to what happens to all jobs from now on.
    pub fn events(&self) -> Events {
        self.core().events(None)
    }

    /// Writes a copy of the store to a new file, in one piece and synced, while everything goes on.
    ///
    /// # Errors
    /// The reply is `Invalid` where the store ends with the process, `Conflict` where there is a
    /// file already, `Unavailable` where it can't be written.
    pub fn backup(&self, path: impl AsRef<Path>) -> Reply<()> {
        self.core().backup(path.as_ref())
    }

    /// Waits until every job that this engine accepted has ended.
    pub fn drain(&self) -> Reply<()> {
        after(self.core().drained())
    }

    /// Shuts down: nothing more starts, what runs has the option `shutdown_grace` (25 s) to end
    /// and is then cancelled. It begins at once; the reply says when it is done.
    pub fn shutdown(&self) -> Reply<()> {
        after(self.core().shutdown(None))
    }

    /// Shuts down with this grace. One of zero cuts an earlier shutdown short.
    pub fn shutdown_within(&self, grace: Duration) -> Reply<()> {
        after(self.core().shutdown(Some(grace)))
    }

    /// Whether it has begun to shut down.
    pub fn is_closed(&self) -> bool {
        self.core().is_closed()
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("unfinished", &self.core().unfinished())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

fn after(signal: Arc<Signal<()>>) -> Reply<()> {
    Reply::later(async move {
        signal.wait_async().await;
        Ok(())
    })
}

fn unanswered() -> Error {
    Error::new(
        ErrorKind::Internal,
        "the store accepted a job and named none",
    )
}
