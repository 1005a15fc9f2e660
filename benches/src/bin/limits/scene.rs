//! An engine for commands, whose watchdog and limits are chosen.

use std::sync::Arc;

use bursar_core::process::Processes;
use bursar_core::{
    CommandCall, Commands, Engine, EngineBuilder, EngineOptions, ExecutorKind, JobId,
    MemoryOptions, MemoryStore, OptionValue, Style, TaskOptions,
};

use crate::Result;

pub(crate) struct Scene {
    pub(crate) engine: Engine,
    pub(crate) processes: Arc<Processes>,
}

impl Scene {
    /// Runs up to `at_once` commands among `processes`.
    pub(crate) fn new(processes: Arc<Processes>, at_once: usize) -> Result<Self> {
        let store = MemoryStore::new(MemoryOptions::default());
        let mut options = EngineOptions::default();
        let at_once = OptionValue::Int(i128::try_from(at_once)?);
        options.set("concurrency", &at_once, Style::Snake)?;
        let commands = Commands::new(Arc::clone(&processes));
        let engine = EngineBuilder::new(Arc::new(store), options)
            .executor(ExecutorKind::Command, Arc::new(commands))
            .start()?;
        Ok(Self { engine, processes })
    }

    pub(crate) fn command(&self, argv: &[&str], limits: &[(&str, OptionValue)]) -> Result<JobId> {
        let limits = limits
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        let mut options = TaskOptions::default();
        options.set("limits", &OptionValue::Map(limits.collect()), Style::Snake)?;
        let call = CommandCall::new(argv.iter().copied());
        let submission = self.engine.command(&call, &options)?;
        let accepted = self.engine.submit([submission]).wait()?;
        let job = accepted.first().ok_or("nothing was accepted")?;
        Ok(job.ticket.id())
    }

    /// Why the first of `jobs` that has ended did; `None` while none has.
    pub(crate) fn has_ended(&self, jobs: &[JobId]) -> Option<String> {
        let infos = jobs.iter().map(|id| self.engine.info(*id, false).wait());
        let ended = infos.flatten().find(|info| info.state.is_terminal())?;
        let error = ended
            .attempts
            .last()
            .and_then(|attempt| attempt.error.clone());
        Some(format!("{}: {error:?}", ended.state))
    }
}
