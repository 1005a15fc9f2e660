//! The options of an engine.

use std::sync::Arc;
use std::time::Duration;

use crate::error::Result;
use crate::job::ExecutorKind;
use crate::options::{Durability, OptionValue, Style, sandbox};
use crate::sandbox::Sandbox;

/// What an engine may be opened with.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineOptions {
    /// Memory to share out, in bytes; default 75 % of what this process may use.
    pub memory: Option<u64>,
    /// Thousandths of a core to share out; default: all that this machine has.
    pub cpu: Option<u64>,
    /// Named tokens to share out; default none.
    pub tokens: Vec<(Arc<str>, u64)>,
    /// The most attempts at once of each executor; defaults: async 100, threads
    /// `min(32, cpus + 4)`, processes and commands `cpus` each.
    pub concurrency: Vec<(ExecutorKind, u32)>,
    /// Memory of a job whose task doesn't say, where `memory` is set; default 32 MB.
    pub default_memory: u64,
    /// The timeout of a job whose task doesn't say; default none.
    pub default_timeout: Option<Duration>,
    /// The sandbox of a job whose task doesn't say and which runs in processes of its own; default off.
    pub default_sandbox: Sandbox,
    /// How long a job that was asked to stop may take; default 5 s.
    pub grace: Duration,
    /// How long a shutdown waits before it cancels; default 25 s.
    pub shutdown_grace: Duration,
    /// Whether arguments and results are encoded in memory too; default false.
    pub strict: bool,
    /// Whether this engine runs jobs, or only submits them; default true.
    pub run: bool,
    /// The name of this worker; default: the process id.
    pub name: Option<Arc<str>>,
    /// How many results a `memory:` store keeps; default 10,000.
    pub max_results: u32,
    /// What an acknowledged change survives in a store on disk; default `full`.
    pub durability: Durability,
    /// After how many jobs a process that runs one after the other is replaced; default: never.
    pub max_jobs_per_child: Option<u32>,
    /// How many bytes a process may keep after a job before it is replaced; default: any.
    pub max_memory_per_child: Option<u64>,
    /// What the engine's random choices start from; default: a different one each time.
    pub seed: Option<u64>,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            memory: None,
            cpu: None,
            tokens: Vec::new(),
            concurrency: Vec::new(),
            default_memory: 32_000_000,
            default_timeout: None,
            default_sandbox: Sandbox::OFF,
            grace: Duration::from_secs(5),
            shutdown_grace: Duration::from_secs(25),
            strict: false,
            run: true,
            name: None,
            max_results: 10_000,
            durability: Durability::Full,
            max_jobs_per_child: None,
            max_memory_per_child: None,
            seed: None,
        }
    }
}

impl EngineOptions {
    /// The names of the options, in snake case.
    pub const NAMES: [&'static str; 17] = [
        "memory",
        "cpu",
        "tokens",
        "concurrency",
        "default_memory",
        "default_timeout",
        "default_sandbox",
        "grace",
        "shutdown_grace",
        "strict",
        "run",
        "name",
        "max_results",
        "durability",
        "max_jobs_per_child",
        "max_memory_per_child",
        "seed",
    ];

    /// Sets the option `name`, spelled in `style`.
    ///
    /// # Errors
    /// `Invalid` for an unknown name or a value out of range; the message shows both.
    pub fn set(&mut self, name: &str, value: &OptionValue, style: Style) -> Result<()> {
        let known = style.resolve(name, &Self::NAMES)?;
        if *value == OptionValue::Null {
            return Ok(());
        }
        match known {
            "memory" => self.memory = Some(value.size(name)?),
            "cpu" => self.cpu = Some(value.milli_cpus(name)?),
            "tokens" => self.tokens = value.tokens(name)?,
            "concurrency" => self.concurrency = concurrency(value, name)?,
            "default_memory" => self.default_memory = value.size(name)?,
            "default_timeout" => self.default_timeout = Some(value.duration(name)?),
            "default_sandbox" => self.default_sandbox = sandbox::read(name, value, style)?,
            "grace" => self.grace = value.duration(name)?,
            "shutdown_grace" => self.shutdown_grace = value.duration(name)?,
            "strict" => self.strict = value.bool(name)?,
            "run" => self.run = value.bool(name)?,
            "name" => self.name = Some(Arc::from(value.text(name)?)),
            "max_results" => self.max_results = value.count(name, 1)?,
            "durability" => self.durability = value.text(name)?.parse()?,
            "max_jobs_per_child" => self.max_jobs_per_child = Some(value.count(name, 1)?),
            "max_memory_per_child" => self.max_memory_per_child = Some(value.size(name)?),
            _ => self.seed = Some(u64::from(value.count(name, 0)?)),
        }
        Ok(())
    }

    /// The most attempts at once of `kind`.
    pub fn slots(&self, kind: ExecutorKind) -> u32 {
        let set = self.concurrency.iter().find(|(of, _)| *of == kind);
        set.map_or_else(|| default_slots(kind), |(_, slots)| *slots)
    }
}

/// One number for every executor, or a mapping from executor to number.
fn concurrency(value: &OptionValue, name: &str) -> Result<Vec<(ExecutorKind, u32)>> {
    let OptionValue::Map(pairs) = value else {
        let slots = value.count(name, 1)?;
        return Ok(ExecutorKind::ALL.map(|kind| (kind, slots)).to_vec());
    };
    let each = |(kind, slots): &(String, OptionValue)| {
        let slots = slots.count(&format!("{name}.{kind}"), 1)?;
        Ok((kind.parse()?, slots))
    };
    pairs.iter().map(each).collect()
}

fn default_slots(kind: ExecutorKind) -> u32 {
    let cpus = std::thread::available_parallelism().map_or(1, |cpus| cpus.get() as u32);
    match kind {
        ExecutorKind::Async => 100,
        ExecutorKind::Thread => (cpus + 4).min(32),
        ExecutorKind::Process | ExecutorKind::Command => cpus,
    }
}
