//! Blocking a Python thread: never with the interpreter held, and Ctrl-C works.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use bursar::core::{Final, Signal, Ticket, Waiting};
use pyo3::prelude::*;

use crate::exit;

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

/// Waits for a signal, at most `timeout`.
///
/// # Errors
/// What a signal handler raised: `KeyboardInterrupt` for Ctrl-C.
pub(crate) fn signal<T: Clone + Send>(
    py: Python<'_>,
    timeout: Option<Duration>,
    signal: &Signal<T>,
) -> PyResult<Option<T>> {
    happening(py, timeout, signal.wait_async())
}

/// Waits for the end of a job, at most `timeout`.
///
/// # Errors
/// What a signal handler raised: `KeyboardInterrupt` for Ctrl-C.
pub(crate) fn end(
    py: Python<'_>,
    timeout: Option<Duration>,
    ticket: &Ticket,
) -> PyResult<Option<Final>> {
    happening(py, timeout, ticket.wait_async())
}

#[expect(
    clippy::disallowed_methods,
    reason = "a caller's patience is real time, whatever clock the engine has"
)]
fn happening<T: Clone + Send>(
    py: Python<'_>,
    timeout: Option<Duration>,
    mut happening: Waiting<'_, T>,
) -> PyResult<Option<T>> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let main = is_main(py)?;
    let sleeper = Arc::new(Sleeper::here());
    let waker = Waker::from(Arc::clone(&sleeper));
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let slice = if main {
            Some(left.map_or(SLICE, |left| left.min(SLICE)))
        } else {
            left
        };
        let poll = exit::outside(py, || {
            let poll = Pin::new(&mut happening).poll(&mut Context::from_waker(&waker));
            if poll.is_ready() {
                return poll;
            }
            sleeper.sleep(slice);
            Pin::new(&mut happening).poll(&mut Context::from_waker(&waker))
        })?;
        if let Poll::Ready(value) = poll {
            return Ok(Some(value));
        }
        py.check_signals()?;
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(None);
        }
    }
}

/// A thread that sleeps until it is woken. It doesn't spin before: two threads that spin sit on two
/// processors, and handing the interpreter across takes longer than sleeping and waking on one
/// (measured one job at a time: 71 us against 10).
pub(crate) struct Sleeper {
    thread: Thread,
    woken: AtomicBool,
}

thread_local! {
    /// Those to wake once this thread lets go of the interpreter: before that they could only wait.
    static LATER: RefCell<Option<Vec<Arc<Sleeper>>>> = const { RefCell::new(None) };
}

impl Sleeper {
    /// This thread.
    pub(crate) fn here() -> Self {
        Self {
            thread: thread::current(),
            woken: AtomicBool::new(false),
        }
    }

    /// Sleeps until it is woken, at most `time`.
    pub(crate) fn sleep(&self, time: Option<Duration>) {
        if !self.woken.swap(false, Ordering::SeqCst) {
            match time {
                Some(time) => thread::park_timeout(time),
                None => thread::park(),
            }
        }
    }

    /// Sleeps until it is woken, however long that takes.
    pub(crate) fn sleep_on(&self) {
        while !self.woken.swap(false, Ordering::SeqCst) {
            thread::park();
        }
    }

    /// Wakes it, now.
    pub(crate) fn rouse(&self) {
        self.woken.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        let now = LATER.with_borrow_mut(|later| match later {
            Some(later) => {
                later.push(self);
                None
            }
            None => Some(self),
        });
        if let Some(sleeper) = now {
            sleeper.rouse();
        }
    }
}

/// Runs `work`, and keeps whom it wakes for [`wake_kept`].
pub(crate) fn keep_wakes<T>(work: impl FnOnce() -> T) -> T {
    LATER.with_borrow_mut(|later| {
        later.get_or_insert_default();
    });
    work()
}

/// Wakes whom [`keep_wakes`] kept.
pub(crate) fn wake_kept() {
    let kept = LATER.with_borrow_mut(Option::take);
    for sleeper in kept.into_iter().flatten() {
        sleeper.rouse();
    }
}
