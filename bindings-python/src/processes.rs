//! The processes that run tasks with `executor="process"`.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bursar::core::{
    Birth, ChildTemplate, EngineBuilder, EngineOptions, Executor, PoolOptions, ProcessPool,
};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::python;

/// What `bursar._processes.template` gives: program, arguments, environment, and what its zygote is sent
/// first, with and without the application's modules.
type Made<'py> = (
    PathBuf,
    Vec<OsString>,
    Vec<(OsString, OsString)>,
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
);

/// The pool of processes of one engine.
pub(crate) struct Processes {
    pool: Arc<ProcessPool>,
    /// The modules that they import; none before it is known what to start.
    modules: Mutex<Option<BTreeSet<String>>>,
}

impl Processes {
    /// A pool without processes, for the engine to be.
    pub(crate) fn of(builder: &EngineBuilder, options: &EngineOptions) -> Option<Self> {
        let options = PoolOptions {
            max_jobs_per_child: options.max_jobs_per_child,
            max_memory_per_child: options.max_memory_per_child,
        };
        Some(Self {
            pool: Arc::new(ProcessPool::new(options, builder.processes())),
            modules: Mutex::new(None),
        })
    }

    pub(crate) fn executor(&self) -> Arc<dyn Executor> {
        Arc::clone(&self.pool) as Arc<dyn Executor>
    }

    /// Makes sure that it is known what to start for the function at `address`.
    pub(crate) fn prepare(&self, py: Python<'_>, address: Option<&str>) -> PyResult<()> {
        let module = address.and_then(|address| Some(address.split_once(':')?.0.to_owned()));
        let known = self.modules.lock().clone();
        let mut modules = match (known, &module) {
            (Some(known), Some(module)) if known.contains(module) => return Ok(()),
            (Some(_), None) => return Ok(()),
            (known, _) => known.unwrap_or_default(),
        };
        modules.extend(module);
        let made = python::TEMPLATE
            .get(py)?
            .call1((Vec::from_iter(&modules),))?;
        let (program, args, env, setup, plain): Made<'_> = made.extract()?;
        self.pool.make_of(ChildTemplate {
            program,
            args,
            env,
            cwd: None,
            birth: Birth::Zygote {
                setup: setup.as_bytes().to_vec(),
                plain: plain.as_bytes().to_vec(),
            },
        });
        self.modules.lock().get_or_insert_default().extend(modules);
        Ok(())
    }
}

/// Has what this process starts come to it when whoever started it ends; and has it end with the thread
/// that started it.
///
/// # Errors
/// `OSError` where the system can't.
#[pyfunction]
pub(crate) fn be_a_root() -> PyResult<()> {
    Ok(bursar::core::be_a_root()?)
}

/// Looks at this process, which runs jobs.
#[pyclass(frozen, module = "bursar._native")]
pub(crate) struct Mirror(bursar::core::Mirror);

#[pymethods]
impl Mirror {
    #[new]
    fn new() -> Self {
        Self(bursar::core::Mirror::new())
    }

    /// What this process has while it runs nothing, as its pool reads it; nothing where that can't be told. Its
    /// children that it has waited for have used `reaped` microseconds of the processors.
    fn left<'py>(&self, py: Python<'py>, reaped: u64) -> Bound<'py, PyBytes> {
        let left = self.0.left(Duration::from_micros(reaped));
        PyBytes::new(py, left.as_ref().map_or(&[], |left| left))
    }
}
