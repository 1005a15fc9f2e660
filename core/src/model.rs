//! What the models of `tests/loom.rs` need beyond the public items. It exists under `cfg(loom)`
//! only.

use std::sync::Arc;

use crate::engine::{Attempt, Engine, EngineBuilder};
use crate::error::Result;
use crate::executor::{self, Assignment};
use crate::payload::Payload;

/// An attempt that belongs to no engine; `None` never.
pub fn attempt(key: u64) -> Option<Arc<Attempt>> {
    Attempt::of_nobody(key)
}

/// An assignment of [`attempt`].
pub fn assignment(key: u64) -> Option<Assignment> {
    let args = Payload::default();
    attempt(key).map(|attempt| Assignment {
        attempt,
        args,
        after: None,
    })
}

/// Whether the caller is the one to record how it ended.
pub fn close(attempt: &Attempt) -> bool {
    attempt.close()
}

/// An engine that no time passes for: its own thread does nothing.
///
/// # Errors
/// `Unavailable` where the system gives no thread.
pub fn engine(builder: EngineBuilder) -> Result<Engine> {
    builder.build().map(|(engine, _)| engine)
}

/// Asks the store of an engine what time has brought.
pub fn promote(engine: &Engine) {
    engine.promote();
}

/// What waits for a runner of an executor.
#[derive(Debug)]
pub struct Ready(executor::Ready<u32>);

impl Ready {
    /// A queue in which nothing waits.
    #[expect(clippy::new_without_default, reason = "for models only")]
    pub fn new() -> Self {
        Self(executor::Ready::new())
    }

    /// Puts one on the queue.
    pub fn push(&self, one: u32) {
        self.0.push(one);
    }

    /// Takes the first, and says whether it was the last.
    pub fn pop(&self) -> Option<(u32, bool)> {
        self.0.pop()
    }

    /// Whether the queue was empty a moment ago.
    pub fn is_hungry(&self) -> bool {
        self.0.is_hungry()
    }
}

/// The count of an executor's runners.
#[derive(Debug)]
pub struct Crew(executor::Crew);

impl Crew {
    /// No runners yet, and about `most` of them at once.
    pub fn new(most: usize) -> Self {
        Self(executor::Crew::new(most))
    }

    /// Whether one more runner is called for, where so many wait.
    pub fn lacks(&self, ready: usize) -> bool {
        self.0.lacks(ready)
    }

    /// Counts a runner that is about to look at the queue.
    pub fn join(&self) {
        self.0.join();
    }

    /// Counts out a runner that found nothing; `false` where it must go on after all.
    pub fn leave(&self, is_empty: impl FnOnce() -> bool) -> bool {
        self.0.leave(is_empty)
    }
}
