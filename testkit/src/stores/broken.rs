use std::collections::HashMap;
use std::sync::Arc;

use bursar_core::{
    Batch, Cancelled, Capabilities, Claimed, Deletion, Error, ErrorKind, Fenced, JobInfo, Listed,
    Promoted, Pruned, Reply, Store, Submitted, Tally,
};
use parking_lot::Mutex;

use super::every_request;

/// When a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before it has done anything.
    Before,
    /// After it was carried out: the answer is lost.
    After,
}

/// A store that does not answer some requests: they fail as `Unavailable`.
#[derive(Debug)]
pub struct BrokenStore {
    inner: Arc<dyn Store>,
    /// How often requests of a name fail yet.
    failures: Mutex<HashMap<&'static str, (usize, When)>>,
}

impl BrokenStore {
    /// A store that answers, so far.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            failures: Mutex::default(),
        }
    }

    /// The next so many requests of this name fail.
    pub fn fail(&self, name: &'static str, times: usize, when: When) {
        self.failures.lock().insert(name, (times, when));
    }

    /// How many requests of this name are still to fail.
    pub fn left(&self, name: &str) -> usize {
        self.failures.lock().get(name).map_or(0, |(left, _)| *left)
    }

    fn pass<T: Send + 'static>(
        &self,
        name: &'static str,
        ask: impl FnOnce(&dyn Store) -> Reply<T>,
    ) -> Reply<T> {
        match self.next_failure(name) {
            None => ask(&*self.inner),
            Some(When::Before) => Reply::now(Err(unavailable())),
            Some(When::After) => {
                let answer = ask(&*self.inner);
                // Following changes nothing, and is only answered once others have.
                if name != "follow" {
                    drop(answer.wait());
                }
                Reply::now(Err(unavailable()))
            }
        }
    }

    fn next_failure(&self, name: &str) -> Option<When> {
        let mut failures = self.failures.lock();
        let (left, when) = failures.get_mut(name).filter(|(left, _)| *left > 0)?;
        *left -= 1;
        Some(*when)
    }
}

fn unavailable() -> Error {
    Error::new(ErrorKind::Unavailable, "the store does not answer")
}

impl Store for BrokenStore {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    every_request!(pass);
}
