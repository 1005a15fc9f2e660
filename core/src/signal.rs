//! Something that happens once, and those who wait for it: tasks, threads and callbacks alike.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use std::sync::Arc;

use smallvec::SmallVec;

use crate::sync::Mutex;
use crate::sync::thread::{self, Thread};

/// Who is told.
enum Waiter {
    Wake(Waker),
    Call(Box<dyn FnOnce() + Send>),
}

/// Most signals have no waiter when they happen, so the list is only made for the first; most
/// others have one, so that one is all that the list has room for at first.
type Waiters = Option<Box<SmallVec<[(u32, Waiter); 1]>>>;

enum State<T> {
    Pending(Waiters),
    Done(T),
}

/// Something that happens once, with a value.
pub struct Signal<T> {
    state: Mutex<State<T>>,
}

impl<T> Default for Signal<T> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State::Pending(None)),
        }
    }
}

impl<T: Clone> Signal<T> {
    /// A signal that has happened already.
    pub fn set_to(value: T) -> Self {
        Self {
            state: Mutex::new(State::Done(value)),
        }
    }

    /// The value, if it has happened.
    pub fn get(&self) -> Option<T> {
        match &*self.state.lock() {
            State::Done(value) => Some(value.clone()),
            State::Pending(_) => None,
        }
    }

    /// Whether anybody waits for it.
    pub(crate) fn has_waiters(&self) -> bool {
        match &*self.state.lock() {
            State::Pending(Some(waiters)) => !waiters.is_empty(),
            _ => false,
        }
    }

    /// Whether it has happened.
    pub fn is_set(&self) -> bool {
        matches!(*self.state.lock(), State::Done(_))
    }

    /// Lets it happen and tells those who wait; `false` if it had happened before.
    pub fn set(&self, value: T) -> bool {
        let waiters = {
            let mut state = self.state.lock();
            let State::Pending(waiters) = &mut *state else {
                return false;
            };
            let waiters = waiters.take();
            *state = State::Done(value);
            waiters
        };
        for (_, waiter) in waiters.into_iter().flat_map(|waiters| *waiters) {
            match waiter {
                Waiter::Wake(waker) => waker.wake(),
                Waiter::Call(call) => call_safely(call),
            }
        }
        true
    }

    /// Calls `call` when it happens, on the thread that lets it happen; at once, on this thread,
    /// if it has. `call` must be quick; where it panics, that ends here.
    pub fn on_set(&self, call: impl FnOnce() + Send + 'static) {
        let mut waiter = Some(Waiter::Call(Box::new(call)));
        self.register(&mut waiter);
        if let Some(Waiter::Call(call)) = waiter {
            call_safely(call);
        }
    }

    /// Blocks this thread until it happens, or `timeout` is over.
    #[expect(
        clippy::disallowed_methods,
        reason = "a caller's patience is real time, whatever clock the engine has"
    )]
    pub fn wait(&self, timeout: Option<Duration>) -> Option<T> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let registered = self.register(&mut Some(Waiter::Wake(waker)));
        loop {
            if let Some(value) = self.get() {
                return Some(value);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            match left {
                Some(Duration::ZERO) => break,
                Some(left) => thread::park_timeout(left),
                None => thread::park(),
            }
        }
        self.unregister(registered);
        self.get()
    }

    /// A future of its happening.
    pub fn wait_async(&self) -> Waiting<'_, T> {
        Waiting {
            signal: self,
            registered: None,
        }
    }

    /// Adds the waiter, taking it, if there is still something to wait for.
    fn register(&self, waiter: &mut Option<Waiter>) -> Option<u32> {
        let mut state = self.state.lock();
        let State::Pending(waiters) = &mut *state else {
            return None;
        };
        let waiters = waiters.get_or_insert_default();
        let number = waiters
            .last()
            .map_or(0, |(number, _)| number.wrapping_add(1));
        waiters.extend(waiter.take().map(|waiter| (number, waiter)));
        Some(number)
    }

    fn unregister(&self, registered: Option<u32>) {
        if let Some(number) = registered {
            // Dropping a waker may drop the task that it wakes: not under the lock.
            let waiter = self.state.lock().remove(number);
            drop(waiter);
        }
    }
}

impl<T> State<T> {
    fn remove(&mut self, number: u32) -> Option<Waiter> {
        let Self::Pending(Some(waiters)) = self else {
            return None;
        };
        let place = waiters.iter().position(|(other, _)| *other == number)?;
        Some(waiters.remove(place).1)
    }
}

/// Runs a callback of the user. A panic in it must not keep others from being told.
fn call_safely(call: Box<dyn FnOnce() + Send>) {
    let called = std::panic::catch_unwind(std::panic::AssertUnwindSafe(call));
    drop(called);
}

impl<T: fmt::Debug> fmt::Debug for Signal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.state.lock() {
            State::Done(value) => write!(f, "Done({value:?})"),
            State::Pending(_) => f.write_str("Pending"),
        }
    }
}

/// The future of [`Signal::wait_async`].
#[derive(Debug)]
pub struct Waiting<'a, T: Clone> {
    signal: &'a Signal<T>,
    registered: Option<u32>,
}

impl<T: Clone> Future for Waiting<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        if let Some(value) = self.signal.get() {
            return Poll::Ready(value);
        }
        let before = self.registered.take();
        self.signal.unregister(before);
        self.registered = self
            .signal
            .register(&mut Some(Waiter::Wake(context.waker().clone())));
        self.signal.get().map_or(Poll::Pending, Poll::Ready)
    }
}

impl<T: Clone> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        self.signal.unregister(self.registered);
    }
}

/// A waker that unparks a thread.
pub(crate) struct Unpark(pub(crate) Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
