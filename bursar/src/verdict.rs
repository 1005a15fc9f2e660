//! What a task can end its attempt with besides a result: errors with a meaning of their own,
//! which work through `?` and through whatever error type wraps them.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use bursar_core::{Ended, Failure, Result};

use crate::values::DurationValue;

/// What the engine is told. It is the source of the public errors below, so that it is found in
/// the chain of sources of any error that wraps one of them.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    Retry(Option<Duration>),
    Fail,
    Cancel,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Retry(_) => "the task asks to be run again",
            Self::Fail => "the task asks for no more retries",
            Self::Cancel => "the task asks to be cancelled",
        })
    }
}

impl StdError for Verdict {}

impl Verdict {
    /// The verdict in `error` or in one of its sources.
    pub(crate) fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        let mut chain = std::iter::successors(Some(error), |error| (*error).source());
        chain.find_map(|error| error.downcast_ref())
    }

    /// How the attempt ends.
    pub(crate) fn end(&self, failure: Failure) -> Ended {
        match self {
            Self::Retry(delay) => Ended::Retry(*delay, failure),
            Self::Fail => Ended::GaveUp(failure),
            Self::Cancel => Ended::Cancelled(failure.message),
        }
    }
}

macro_rules! verdicts {
    ($($(#[$doc:meta])* $name:ident),*) => {
        $($(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            reason: String,
            verdict: Verdict,
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.reason)
            }
        }

        impl StdError for $name {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.verdict)
            }
        })*
    };
}

verdicts! {
    /// The error of a task that wants to be run again later. It spends none of its `retries`.
    ///
    /// ```
    /// use bursar::Retry;
    ///
    /// #[bursar::task]
    /// async fn poll(url: String) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
    ///     if url.is_empty() {
    ///         Err(Retry::after("5s").because("the server is busy"))?;
    ///     }
    ///     Ok(200)
    /// }
    /// ```
    Retry,
    /// The error of a task that no retry will help: its job fails at once.
    ///
    /// ```
    /// #[bursar::task(retries = 5)]
    /// fn charge(cents: i64) -> Result<(), bursar::Fail> {
    ///     if cents < 0 {
    ///         return Err(bursar::Fail::new(format!("{cents} can't be charged")));
    ///     }
    ///     Ok(())
    /// }
    /// ```
    Fail,
    /// The error of a task that ends its job as cancelled.
    ///
    /// ```
    /// #[bursar::task]
    /// fn greet(name: String) -> Result<(), bursar::Cancel> {
    ///     if name.is_empty() {
    ///         return Err(bursar::Cancel::new("there is nobody to greet"));
    ///     }
    ///     Ok(())
    /// }
    /// ```
    Cancel
}

impl Retry {
    /// Again after the task's own `retry_delay`.
    pub fn later() -> Self {
        Self::with(Verdict::Retry(None))
    }

    /// Again after `delay`. One that can't be read or is out of range fails the job, and the
    /// failure shows it.
    pub fn after(delay: impl Into<DurationValue>) -> Self {
        let delay: Result<Duration> = delay.into().resolve("Retry::after");
        match delay {
            Ok(delay) => Self::with(Verdict::Retry(Some(delay))),
            Err(error) => Self::with(Verdict::Fail).because(error.message()),
        }
    }

    /// Says why.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }

    fn with(verdict: Verdict) -> Self {
        Self {
            reason: verdict.to_string(),
            verdict,
        }
    }
}

impl Fail {
    /// Fails the job for `reason`.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            verdict: Verdict::Fail,
        }
    }
}

impl Cancel {
    /// Cancels the job for `reason`.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            verdict: Verdict::Cancel,
        }
    }
}
