//! What a forked child must not touch, since the engine's threads did not come along; and other
//! interpreters of the process, since objects can't be shared between them.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use pyo3::exceptions::PyImportError;
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
    crate::exit::forked();
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

/// The interpreter that loaded this module first; -1 before.
static INTERPRETER: AtomicI64 = AtomicI64::new(-1);

/// # Errors
/// `ImportError` in another interpreter than the one that loaded this module first.
pub(crate) fn check_interpreter(_: Python<'_>) -> PyResult<()> {
    #[expect(unsafe_code, reason = "there is no safe way to ask")]
    // SAFETY: the token shows that this thread is attached to an interpreter.
    let own = unsafe { pyo3::ffi::PyInterpreterState_GetID(pyo3::ffi::PyInterpreterState_Get()) };
    let first = INTERPRETER.compare_exchange(-1, own, Ordering::SeqCst, Ordering::SeqCst);
    match first {
        Err(first) if first != own => Err(PyImportError::new_err(
            "bursar is loaded by another interpreter of this process: it works in one of them only",
        )),
        _ => Ok(()),
    }
}
