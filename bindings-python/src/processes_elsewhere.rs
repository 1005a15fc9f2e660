//! Where tasks can't run in processes of their own yet.

use std::sync::Arc;

use bursar::core::{EngineBuilder, EngineOptions, Executor};
use pyo3::prelude::*;

/// There is none: an engine without them refuses tasks that ask for one.
pub(crate) enum Processes {}

impl Processes {
    /// None.
    pub(crate) fn of(_: &EngineBuilder, _: &EngineOptions) -> Option<Self> {
        None
    }

    pub(crate) fn executor(&self) -> Arc<dyn Executor> {
        match *self {}
    }

    pub(crate) fn prepare(&self, _: Python<'_>, _: Option<&str>) -> PyResult<()> {
        match *self {}
    }
}

/// Nothing is to be done.
#[pyfunction]
pub(crate) fn be_a_root() {}

/// What looks at a process that runs jobs: there are none.
#[pyclass(frozen, module = "bursar._native")]
pub(crate) struct Mirror;
