//! How an engine is configured and started.

use std::future::IntoFuture;
use std::sync::Arc;

use bursar_core::{
    AsyncTasks, Clock, Durability, EngineOptions, EscrowPolicy, ExecutorKind, Gauge, OptionValue,
    Reply, Result, Sandbox, Style, ThreadPool,
};

use crate::engine::Engine;
use crate::open_engine;
use crate::options::token_map;
use crate::runtime::Runtime;
use crate::task::Task;
use crate::values::{CpuValue, DurationValue, SizeValue};

/// An engine to be: its options, and the tasks it knows from the start. A wrong value is reported
/// by [`start`](Self::start), with the option's name and what was given.
#[derive(Debug)]
#[must_use = "an engine does nothing until it is started"]
pub struct EngineBuilder {
    url: Option<String>,
    options: Result<EngineOptions>,
    tasks: Vec<Task>,
    clock: Option<Arc<dyn Clock>>,
    gauge: Option<Box<dyn Gauge>>,
    escrow: EscrowPolicy,
}

impl EngineBuilder {
    pub(crate) fn new(url: Option<String>) -> Self {
        Self {
            url,
            options: Ok(EngineOptions::default()),
            tasks: Vec::new(),
            clock: None,
            gauge: None,
            escrow: EscrowPolicy::default(),
        }
    }

    fn set(mut self, name: &str, value: &OptionValue) -> Self {
        self.options = self.options.and_then(|mut options| {
            options.set(name, value, Style::Snake)?;
            Ok(options)
        });
        self
    }

    /// The memory to share out; default: 75 % of what this process may use. Once it is set, every
    /// job draws from it.
    pub fn memory(self, size: impl Into<SizeValue>) -> Self {
        self.set("memory", &size.into().0)
    }

    /// The part of the processors to share out; default: all that this machine has.
    pub fn cpu(self, cores: impl Into<CpuValue>) -> Self {
        self.set("cpu", &cores.into().0)
    }

    /// The named tokens to share out, such as `[("gpu", 1)]`; default none.
    pub fn tokens<N: Into<String>>(self, tokens: impl IntoIterator<Item = (N, u32)>) -> Self {
        self.set("tokens", &token_map(tokens))
    }

    /// The most attempts at once of each executor; default: 100 asynchronous ones, `min(32, cores + 4)` on
    /// threads, and as many commands as cores.
    pub fn concurrency(self, most: u32) -> Self {
        self.set("concurrency", &OptionValue::Int(most.into()))
    }

    /// The most attempts at once of one executor.
    pub fn concurrency_of(mut self, kind: ExecutorKind, most: u32) -> Self {
        if let Ok(options) = &mut self.options {
            options.concurrency.retain(|(of, _)| *of != kind);
            options.concurrency.push((kind, most));
        }
        self
    }

    /// Memory of a job whose task doesn't say, where [`memory`](Self::memory) is set; default
    /// 32 MB.
    pub fn default_memory(self, size: impl Into<SizeValue>) -> Self {
        self.set("default_memory", &size.into().0)
    }

    /// The timeout of a job whose task doesn't say; default none.
    pub fn default_timeout(self, timeout: impl Into<DurationValue>) -> Self {
        self.set("default_timeout", &timeout.into().0)
    }

    /// The sandbox of a command that doesn't say; default: none.
    pub fn default_sandbox(self, sandbox: impl Into<Sandbox>) -> Self {
        self.set("default_sandbox", &OptionValue::from(sandbox.into()))
    }

    /// How long a job that was asked to stop may take before it is given up on; default 5 s.
    pub fn grace(self, grace: impl Into<DurationValue>) -> Self {
        self.set("grace", &grace.into().0)
    }

    /// How long a shutdown waits before it cancels what runs; default 25 s.
    pub fn shutdown_grace(self, grace: impl Into<DurationValue>) -> Self {
        self.set("shutdown_grace", &grace.into().0)
    }

    /// How many results a store in memory keeps; default 10,000.
    pub fn max_results(self, most: u32) -> Self {
        self.set("max_results", &OptionValue::Int(most.into()))
    }

    /// What an acknowledged change survives in a store on disk; default: power loss too.
    pub fn durability(mut self, durability: Durability) -> Self {
        if let Ok(options) = &mut self.options {
            options.durability = durability;
        }
        self
    }

    /// Whether this engine runs jobs, or only submits them; default true.
    pub fn run(self, run: bool) -> Self {
        self.set("run", &OptionValue::Bool(run))
    }

    /// The name of this worker; default: the process id.
    pub fn name(self, name: impl Into<String>) -> Self {
        self.set("name", &OptionValue::Text(name.into()))
    }

    /// What the engine's random choices start from, so that a test can replay them; default: a
    /// different one each time.
    pub fn seed(self, seed: u32) -> Self {
        self.set("seed", &OptionValue::Int(seed.into()))
    }

    /// How long a job that doesn't fit may be passed by others; default: 64 jobs or 10 s.
    pub fn escrow(mut self, policy: EscrowPolicy) -> Self {
        self.escrow = policy;
        self
    }

    /// Takes the time from `clock`: with a [`ManualClock`](crate::testing::ManualClock), a test
    /// decides when a delay, a timeout or a retry has come.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Measures the memory of the process with `gauge`.
    pub fn gauge(mut self, gauge: impl Gauge) -> Self {
        self.gauge = Some(Box::new(gauge));
        self
    }

    /// Registers a task before anything runs.
    pub fn task(mut self, task: Task) -> Self {
        self.tasks.push(task);
        self
    }

    /// Starts the engine. Asynchronous tasks run on the tokio runtime that this is called in, or,
    /// outside of one, on a runtime that the engine keeps for itself.
    ///
    /// # Errors
    /// The reply is `Invalid` for a wrong option or URL, `Conflict` for two tasks of one name,
    /// `Unavailable` where the system gives no threads.
    pub fn start(self) -> Reply<Engine> {
        Reply::now(self.build())
    }

    fn build(self) -> Result<Engine> {
        let options = self.options?;
        let runtime = Runtime::current_or_own()?;
        let tasks = AsyncTasks::new(runtime.handle().clone());
        let mut builder = open_engine(self.url.as_deref(), options)?
            .escrow(self.escrow)
            .executor(ExecutorKind::Async, Arc::new(tasks))
            .executor(ExecutorKind::Thread, Arc::new(ThreadPool::new()));
        if let Some(clock) = self.clock {
            builder = builder.clock(clock);
        }
        if let Some(gauge) = self.gauge {
            builder = builder.gauge(gauge);
        }
        let engine = Engine::new(builder.start()?, runtime);
        self.tasks
            .into_iter()
            .try_for_each(|task| engine.register(task))?;
        Ok(engine)
    }
}

impl IntoFuture for EngineBuilder {
    type Output = Result<Engine>;
    type IntoFuture = Reply<Engine>;

    fn into_future(self) -> Self::IntoFuture {
        self.start()
    }
}
