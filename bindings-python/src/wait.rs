//! Blocking a Python thread: never with the interpreter held, and Ctrl-C works.

use std::cell::Cell;
use std::time::{Duration, Instant};

use bursar::core::Signal;
use pyo3::prelude::*;

/// How long the main thread sleeps before it looks for Ctrl-C again.
const SLICE: Duration = Duration::from_millis(100);

thread_local! {
    static IS_MAIN: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Whether this is Python's main thread: the only one that signal handlers run on.
fn is_main(py: Python<'_>) -> PyResult<bool> {
    if let Some(known) = IS_MAIN.get() {
        return Ok(known);
    }
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    let answer = threading.call_method0("get_ident")?.eq(main)?;
    IS_MAIN.set(Some(answer));
    Ok(answer)
}

/// Waits until `ready` gives something, at most `timeout`. `ready` is called without the interpreter,
/// with how long it may block.
///
/// # Errors
/// What a signal handler raised: `KeyboardInterrupt` for Ctrl-C.
#[expect(
    clippy::disallowed_methods,
    reason = "a caller's patience is real time, whatever clock the engine has"
)]
pub(crate) fn until<T: Send>(
    py: Python<'_>,
    timeout: Option<Duration>,
    ready: impl Fn(Option<Duration>) -> Option<T> + Sync,
) -> PyResult<Option<T>> {
    if !is_main(py)? {
        return Ok(py.detach(|| ready(timeout)));
    }
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let slice = left.map_or(SLICE, |left| left.min(SLICE));
        if let Some(value) = py.detach(|| ready(Some(slice))) {
            return Ok(Some(value));
        }
        py.check_signals()?;
        if left.is_some_and(|left| left <= slice) {
            return Ok(None);
        }
    }
}

/// Waits for a signal.
///
/// # Errors
/// What a signal handler raised.
pub(crate) fn signal<T: Clone + Send + Sync>(
    py: Python<'_>,
    timeout: Option<Duration>,
    signal: &Signal<T>,
) -> PyResult<Option<T>> {
    until(py, timeout, |slice| signal.wait(slice))
}
