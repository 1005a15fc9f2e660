//! Listing jobs, a page at a time.

use std::future::IntoFuture;

use bursar_core::{Cursor, JobFilter, List, Listed, Order, Reply, Result};

use crate::engine::Engine;

/// The jobs of a page where a query doesn't say.
const PAGE: usize = 100;

/// A page of jobs to ask for; see [`Engine::jobs`]. Await it, or [`wait`](Self::wait).
#[derive(Clone, Debug)]
#[must_use = "nothing is asked until this is awaited"]
pub struct JobQuery {
    engine: Engine,
    list: List,
}

impl JobQuery {
    pub(crate) fn new(engine: Engine, filter: JobFilter) -> Self {
        let list = List {
            filter,
            order: Order::default(),
            limit: PAGE,
            offset: 0,
            after: None,
        };
        Self { engine, list }
    }

    /// In this order; default: the newest first.
    pub fn order(mut self, order: Order) -> Self {
        self.list.order = order;
        self
    }

    /// At most this many; default 100.
    pub fn limit(mut self, limit: usize) -> Self {
        self.list.limit = limit;
        self
    }

    /// Without the first ones.
    pub fn offset(mut self, offset: usize) -> Self {
        self.list.offset = offset;
        self
    }

    /// The page behind the one whose `next` this is.
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.list.after = Some(cursor);
        self
    }

    /// Asks from code that isn't asynchronous.
    ///
    /// # Errors
    /// `Unavailable` where the store doesn't answer, `Closed` where it is closed.
    pub fn wait(self) -> Result<Listed> {
        self.into_future().wait()
    }
}

impl IntoFuture for JobQuery {
    type Output = Result<Listed>;
    type IntoFuture = Reply<Listed>;

    fn into_future(self) -> Self::IntoFuture {
        self.engine.core().list(self.list)
    }
}
