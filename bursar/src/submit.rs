//! A call on its way into an engine.

use std::future::IntoFuture;

use bursar_core::{Reply, Result};

use crate::call::Call;
use crate::engine::Engine;
use crate::job::Job;
use crate::options::{Changes, task_options};

/// A call with the engine that it is for. Await it, or [`wait`](Self::wait), to submit it and get
/// its [`Job`]; the store has acknowledged the job by then.
#[derive(Debug)]
#[must_use = "nothing is submitted until this is awaited"]
pub struct Submit<T> {
    engine: Engine,
    call: Call<T>,
}

impl<T: 'static> Submit<T> {
    /// Submits from code that isn't asynchronous: blocks this thread until the store has
    /// acknowledged the job.
    ///
    /// # Errors
    /// Those of [`Engine::submit`].
    pub fn wait(self) -> Result<Job<T>> {
        self.into_future().wait()
    }
}

impl<T> Submit<T> {
    pub(crate) fn new(engine: Engine, call: Call<T>) -> Self {
        Self { engine, call }
    }

    fn changes(&mut self) -> &mut Changes {
        &mut self.call.changes
    }
}

task_options! {
    /// Options of this one job, over those of its task.
    impl [T] Submit<T>
}

impl<T: 'static> IntoFuture for Submit<T> {
    type Output = Result<Job<T>>;
    type IntoFuture = Reply<Job<T>>;

    fn into_future(self) -> Self::IntoFuture {
        self.engine.accept(self.call)
    }
}

impl<T> From<Submit<T>> for Call<T> {
    fn from(submit: Submit<T>) -> Self {
        submit.call
    }
}
