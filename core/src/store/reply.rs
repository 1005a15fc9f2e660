//! An answer that is there at once or comes later.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::error::{Error, ErrorKind, Result};
use crate::signal::Unpark;
use crate::sync::thread;

/// The answer of a store or an engine: a future that never needs an allocation or a wake-up where
/// the answer is already known, as it always is in memory.
#[must_use = "an answer must be awaited or waited for"]
pub enum Reply<T> {
    /// Known already; `None` once it was taken.
    Now(Option<Result<T>>),
    /// Still to come.
    Later(Pin<Box<dyn Future<Output = Result<T>> + Send>>),
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
        Self::Later(Box::pin(future))
    }

    /// Blocks this thread until the answer is there. Not for asynchronous code.
    ///
    /// # Errors
    /// The error of the answer.
    pub fn wait(self) -> Result<T> {
        match self {
            Self::Now(result) => result.unwrap_or_else(|| Err(taken())),
            Self::Later(future) => block_on(future),
        }
    }
}

impl<T: Send + 'static> Reply<T> {
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
            Self::Later(future) => Reply::later(async move { next(future.await?).await }),
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
            Self::Later(future) => future.as_mut().poll(context),
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

fn taken() -> Error {
    Error::new(ErrorKind::Internal, "an answer was awaited twice")
}

/// Runs `future` to its end on this thread.
pub(crate) fn block_on<T>(mut future: Pin<Box<dyn Future<Output = T> + Send>>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
