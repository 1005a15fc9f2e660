//! The end of the interpreter. CPython ends a daemon thread where it next asks for the interpreter, by
//! unwinding it (before 3.14); a frame of Rust must not be unwound like that. So, once the end has
//! begun, daemon threads stay where they are, outside of the interpreter, instead of coming in; and the
//! end waits for those that are in our code already.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use pyo3::prelude::*;

/// How long the end waits for threads in our code. One that is held up there by the user's own code
/// (a callback that blocks, a `__str__` that never returns) is left behind.
const PATIENCE: Duration = Duration::from_secs(2);

static ENDING: AtomicBool = AtomicBool::new(false);
static INSIDE: AtomicUsize = AtomicUsize::new(0);
static LOCK: Mutex<()> = Mutex::new(());
static LEFT: Condvar = Condvar::new();

thread_local! {
    static IS_DAEMON: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Whether this thread ends with the interpreter.
fn is_daemon(py: Python<'_>) -> PyResult<bool> {
    if let Some(known) = IS_DAEMON.get() {
        return Ok(known);
    }
    let thread = py.import("threading")?.call_method0("current_thread")?;
    let answer = thread.getattr("daemon")?.is_truthy()?;
    IS_DAEMON.set(Some(answer));
    Ok(answer)
}

/// A thread in our code.
pub(crate) struct Inside;

impl Inside {
    fn new() -> Self {
        INSIDE.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let last = INSIDE.fetch_sub(1, Ordering::SeqCst) == 1;
        if last && ENDING.load(Ordering::Relaxed) {
            let _guard = LOCK.lock();
            LEFT.notify_all();
        }
    }
}

/// Enters our code; a daemon thread that comes after the end has begun never gets in.
pub(crate) fn enter(py: Python<'_>) -> PyResult<Inside> {
    let inside = Inside::new();
    if ENDING.load(Ordering::SeqCst) && is_daemon(py)? {
        drop(inside);
        py.detach(stay);
        return Ok(Inside::new());
    }
    Ok(inside)
}

/// Blocks outside of the interpreter: `work` runs without it.
pub(crate) fn outside<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    let daemon = is_daemon(py)?;
    let (result, inside) = py.detach(|| {
        let result = work();
        let inside = Inside::new();
        if daemon && ENDING.load(Ordering::SeqCst) {
            drop(inside);
            stay();
            return (result, None);
        }
        (result, Some(inside))
    });
    drop(inside);
    Ok(result)
}

/// Never returns: the process ends around this thread.
fn stay() {
    loop {
        thread::park();
    }
}

/// Called in a forked child: the other threads did not come along.
pub(crate) fn forked() {
    INSIDE.store(0, Ordering::SeqCst);
}

/// Called when the interpreter begins to end, with the engines told already.
#[pyfunction]
pub(crate) fn begin_end(py: Python<'_>) {
    ENDING.store(true, Ordering::SeqCst);
    py.detach(|| {
        let mut guard = LOCK.lock();
        while INSIDE.load(Ordering::SeqCst) > 0 {
            if LEFT.wait_for(&mut guard, PATIENCE).timed_out() {
                return;
            }
        }
    });
}
