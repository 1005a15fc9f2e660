//! An answer that is there at once or comes later.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::error::{Error, Result};
use crate::signal::Unpark;
use crate::store::promise::{Line, Promise, Promised, taken};
use crate::sync::thread;

/// The answer of a store or an engine: a future that never needs an allocation or a wake-up where
/// the answer is already known, as it always is in memory.
#[must_use = "an answer must be awaited or waited for"]
pub enum Reply<T> {
    /// Known already; `None` once it was taken.
    Now(Option<Result<T>>),
    /// Still to come.
    Later(Later<T>),
}

/// An answer that is still to come.
pub struct Later<T>(Kind<T>);

enum Kind<T> {
    Future(Pin<Box<dyn Future<Output = Result<T>> + Send>>),
    Promised(Arc<Promised<T>>),
}

impl<T> Reply<T> {
    /// An answer that is known.
    pub fn now(result: Result<T>) -> Self {
        Self::Now(Some(result))
    }

    /// An answer that is known and good.
    pub fn ok(value: T) -> Self {
        Self::now(Ok(value))
    }

    /// An answer that `future` gives.
    pub fn later(future: impl Future<Output = Result<T>> + Send + 'static) -> Self {
        Self::Later(Later(Kind::Future(Box::pin(future))))
    }

    /// Blocks this thread until the answer is there. Not for asynchronous code.
    ///
    /// # Errors
    /// The error of the answer.
    pub fn wait(self) -> Result<T> {
        match self {
            Self::Now(result) => result.unwrap_or_else(|| Err(taken())),
            Self::Later(later) => block_on(later),
        }
    }
}

impl<T: Send + 'static> Reply<T> {
    /// An answer that is still to come from whoever has the promise: from any thread, and without
    /// a task for each. `lost` says why none will come where the promise is dropped.
    pub fn promised(lost: fn() -> Error) -> (Promise<T>, Self) {
        let (promise, promised) = Promise::new(lost);
        (promise, Self::Later(Later(Kind::Promised(promised))))
    }

    /// Carries on with a good answer; at once where it is known.
    pub fn then<U: Send + 'static>(
        self,
        next: impl FnOnce(T) -> Reply<U> + Send + 'static,
    ) -> Reply<U> {
        match self {
            Self::Now(result) => match result.unwrap_or_else(|| Err(taken())) {
                Ok(value) => next(value),
                Err(error) => Reply::now(Err(error)),
            },
            Self::Later(later) => Reply::later(async move { next(later.await?).await }),
        }
    }

    /// Turns a good answer into another one.
    pub fn map<U: Send + 'static>(self, change: impl FnOnce(T) -> U + Send + 'static) -> Reply<U> {
        self.then(|value| Reply::ok(change(value)))
    }
}

// Nothing in a reply is pinned in place: the future inside has its own box.
impl<T> Unpin for Reply<T> {}

impl<T> Future for Reply<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Self::Now(result) => Poll::Ready(result.take().unwrap_or_else(|| Err(taken()))),
            Self::Later(later) => Pin::new(later).poll(context),
        }
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Now(_) => "Reply::Now",
            Self::Later(_) => "Reply::Later",
        })
    }
}

// Nor in an answer to come.
impl<T> Unpin for Later<T> {}

impl<T> Future for Later<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Kind::Future(future) => future.as_mut().poll(context),
            Kind::Promised(promised) => promised.poll(context),
        }
    }
}

impl<T: Send + 'static> Later<T> {
    /// Has `next` carry on with the answer in `line`; gives the future where it is one that must be
    /// polled for it.
    pub(crate) fn carry(
        self,
        line: &Arc<Line>,
        next: impl FnOnce(Result<T>) + Send + 'static,
    ) -> Option<impl Future<Output = ()> + Send + 'static> {
        match self.0 {
            Kind::Future(future) => Some(async move { next(future.await) }),
            Kind::Promised(promised) => {
                promised.carry(line, Box::new(next));
                None
            }
        }
    }
}

/// Runs `future` to its end on this thread.
fn block_on<T>(mut future: impl Future<Output = T> + Unpin) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match Pin::new(&mut future).poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
