//! Where engines leave word when something needs the interpreter and the thread at hand doesn't have
//! it: the engine's own thread must never wait for it. One thread of Python serves all engines.

use std::cell::Cell;
use std::sync::Weak;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use pyo3::prelude::*;

use crate::exit;
use crate::hub::Hub;

static WAITING: Mutex<Vec<Weak<Hub>>> = Mutex::new(Vec::new());
static MORE: Condvar = Condvar::new();

thread_local! {
    /// How many calls of ours into the engine this thread is in: each looks after its hub afterwards.
    static ATTENDING: Cell<u32> = const { Cell::new(0) };
}

/// Runs `work`; the caller looks after the hub right afterwards.
pub(crate) fn attend<T>(work: impl FnOnce() -> T) -> T {
    ATTENDING.set(ATTENDING.get() + 1);
    let result = work();
    ATTENDING.set(ATTENDING.get() - 1);
    result
}

/// Has someone with the interpreter look after `hub`: the caller of this thread's call into the
/// engine, or else the notifier.
pub(crate) fn poke(hub: &Weak<Hub>) {
    if ATTENDING.get() > 0 {
        return;
    }
    let mut waiting = WAITING.lock();
    if !waiting.iter().any(|other| other.ptr_eq(hub)) {
        waiting.push(Weak::clone(hub));
    }
    MORE.notify_one();
}

/// Waits for engines that need looking after, and does it. What is to be called of the user's code
/// is returned, to be called from Python.
#[pyfunction]
pub(crate) fn attend_engines(py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
    let hubs = exit::outside(py, || {
        let mut waiting = WAITING.lock();
        while waiting.is_empty() {
            // Spurious wake-ups are seen by the condition.
            MORE.wait_for(&mut waiting, Duration::from_secs(3_600));
        }
        std::mem::take(&mut *waiting)
    })?;
    let _inside = exit::enter(py)?;
    let mut notices = Vec::new();
    for hub in hubs.iter().filter_map(Weak::upgrade) {
        hub.serve(py)?;
        notices.extend(hub.take_notices(py)?);
    }
    crate::trash::empty(py);
    Ok(notices)
}
