//! A program on its way into an engine.

use std::future::IntoFuture;

use bursar_core::{CommandCall, CommandOutput, Input, OptionValue, Reply, Result, Sandbox};

use crate::engine::Engine;
use crate::job::Job;
use crate::limits::CommandLimits;
use crate::options::{Changes, task_options};

/// A program to run as a job, with the engine that it is for. Await it, or [`wait`](Self::wait), to
/// submit it and get its [`Job`].
#[derive(Debug)]
#[must_use = "nothing is submitted until this is awaited"]
pub struct Command {
    engine: Engine,
    call: CommandCall,
    changes: Changes,
}

impl Command {
    pub(crate) fn new(engine: Engine, call: CommandCall) -> Self {
        Self {
            engine,
            call,
            changes: Changes::default(),
        }
    }

    /// The folder it runs in; default: the worker's own.
    pub fn cwd(mut self, folder: impl Into<String>) -> Self {
        self.call.cwd = Some(folder.into());
        self
    }

    /// Sets a variable of its environment, which otherwise has those alone that are listed at
    /// [`CommandCall::env`].
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.call.env.insert(name.into(), Some(value.into()));
        self
    }

    /// Gives it a variable of the worker's own environment, if it is set there.
    pub fn env_from_worker(mut self, name: impl Into<String>) -> Self {
        self.call.env.insert(name.into(), None);
        self
    }

    /// What it reads from its standard input: text or bytes; default: nothing.
    pub fn stdin(mut self, input: impl Into<Input>) -> Self {
        self.call.stdin = input.into();
        self
    }

    /// What it may use, with everything that it starts; default: what is reserved for it by
    /// `memory` and `cpu`.
    ///
    /// ```
    /// # use bursar::{CommandLimits, CpuAction};
    /// # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// # let engine = bursar::Engine::open("memory:").start().wait()?;
    /// let limits = CommandLimits::new()
    ///     .memory("64MB")
    ///     .cpu(0.5)
    ///     .cpu_action(CpuAction::Stop)
    ///     .files(100)
    ///     .connections(0);
    /// let job = engine.command(["true"]).limits(limits).wait()?;
    /// assert_eq!(job.wait()?.code, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn limits(mut self, limits: CommandLimits) -> Self {
        self.changes.set("limits", &limits.value());
        self
    }

    /// What it is kept to, with everything that it starts: a [`SandboxLevel`](crate::SandboxLevel), or a
    /// [`Sandbox`] with what it may do besides; default: the engine's
    /// [`default_sandbox`](crate::EngineBuilder::default_sandbox).
    ///
    /// ```
    /// # use bursar::{Sandbox, SandboxLevel};
    /// # fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// # let engine = bursar::Engine::open("memory:").start().wait()?;
    /// let touch = engine.command(["touch", "/tmp/bursar-must-not"]);
    /// let job = touch.sandbox(SandboxLevel::BestEffort).wait()?;
    /// # let _ = job.wait();
    /// let convert = engine.command(["true"]).cwd("/var/tmp");
    /// let job = convert.sandbox(Sandbox::best_effort().write("/dev/shm")).wait()?;
    /// assert_eq!(job.wait()?.code, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn sandbox(mut self, sandbox: impl Into<Sandbox>) -> Self {
        self.changes
            .set("sandbox", &OptionValue::from(sandbox.into()));
        self
    }

    /// Submits from code that isn't asynchronous: blocks this thread until the store has acknowledged
    /// the job.
    ///
    /// # Errors
    /// Those of [`Engine::command`].
    pub fn wait(self) -> Result<Job<CommandOutput>> {
        self.into_future().wait()
    }

    fn changes(&mut self) -> &mut Changes {
        &mut self.changes
    }
}

task_options! {
    /// Options of this job.
    impl [] Command
}

impl IntoFuture for Command {
    type Output = Result<Job<CommandOutput>>;
    type IntoFuture = Reply<Job<CommandOutput>>;

    fn into_future(self) -> Self::IntoFuture {
        let options = self.changes.check();
        let submission =
            options.and_then(|options| self.engine.core().command(&self.call, &options));
        match submission {
            Ok(submission) => self.engine.accept_submission(submission),
            Err(error) => Reply::now(Err(error)),
        }
    }
}
