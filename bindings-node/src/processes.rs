//! The processes that run tasks with executor `process`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use bursar::core::{
    Birth, ChildTemplate, EngineBuilder, EngineOptions, Executor, PoolOptions, ProcessPool,
};

/// The pool of processes of one engine.
pub(crate) struct Processes {
    pool: Arc<ProcessPool>,
}

impl Processes {
    /// A pool without processes, for the engine to be.
    pub(crate) fn of(builder: &EngineBuilder, options: &EngineOptions) -> Option<Self> {
        let options = PoolOptions {
            max_jobs_per_child: options.max_jobs_per_child,
            max_memory_per_child: options.max_memory_per_child,
        };
        let pool = Arc::new(ProcessPool::new(options, builder.processes()));
        Some(Self { pool })
    }

    pub(crate) fn executor(&self) -> Arc<dyn Executor> {
        Arc::clone(&self.pool) as Arc<dyn Executor>
    }

    /// Sets what processes are started with from now on.
    pub(crate) fn prepare(&self, args: Vec<String>, env: Vec<(String, String)>) {
        let text = |(name, value)| (OsString::from(name), OsString::from(value));
        let program = args.first().map(PathBuf::from).unwrap_or_default();
        self.pool.make_of(ChildTemplate {
            program,
            args: args.into_iter().map(OsString::from).collect(),
            env: env.into_iter().map(text).collect(),
            cwd: None,
            // V8 reserves much more than it uses.
            birth: Birth::Direct { held_down: false },
        });
    }
}
