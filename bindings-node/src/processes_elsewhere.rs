//! Where tasks can't run in processes of their own yet.

use std::sync::Arc;

use bursar::core::{EngineBuilder, EngineOptions, Executor};

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

    pub(crate) fn prepare(&self, _: Vec<String>, _: Vec<(String, String)>) {
        match *self {}
    }
}
