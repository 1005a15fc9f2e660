use std::sync::Arc;

use bursar_core::{
    Batch, Cancelled, Capabilities, Claimed, Deletion, Fenced, JobInfo, Listed, Promoted, Pruned,
    Reply, Store, Submitted, Tally,
};

use super::every_request;
use crate::Folder;

/// A store on disk whose folder goes when it goes.
#[derive(Debug)]
pub struct KeptStore {
    inner: Arc<dyn Store>,
    _folder: Arc<Folder>,
}

impl KeptStore {
    /// The store `inner`, which is in `folder`.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, folder: impl Into<Arc<Folder>>) -> Self {
        Self {
            inner,
            _folder: folder.into(),
        }
    }

    fn pass<T>(&self, _: &'static str, ask: impl FnOnce(&dyn Store) -> Reply<T>) -> Reply<T> {
        ask(&*self.inner)
    }
}

impl Store for KeptStore {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    every_request!(pass);
}
