//! What a forked child must not touch: the engine's threads did not come along.

use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::prelude::*;

use crate::python;

static GENERATION: AtomicU32 = AtomicU32::new(0);

/// Which process this is, counted from the one that loaded the module.
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Called in a child, right after `fork`.
#[pyfunction]
pub(crate) fn forked() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// # Errors
/// `Conflict` where this process is a forked child of the one of `generation`.
pub(crate) fn check(py: Python<'_>, made_in: u32) -> PyResult<()> {
    if made_in == generation() {
        return Ok(());
    }
    let message = "this engine belongs to the parent process: its threads did not survive the fork; \
                   open an Engine in the child, or start the child with the \"spawn\" method";
    Err(python::error(py, "Conflict", message))
}
