mod hub;
mod news;

use std::sync::Arc;

use bursar_core::{
    Batch, Cancelled, Capabilities, Claimed, Deletion, Error, Fenced, Follow, Followed, JobInfo,
    Listed, MemoryOptions, MemoryStore, Promoted, Pruned, Reply, Store, Submitted, Tally,
};
use parking_lot::Mutex;

use hub::Hub;

/// What several processes share: one store in memory, of which each opens a handle of its own.
#[derive(Clone, Debug)]
pub struct Shared(Arc<Mutex<Hub>>);

impl Shared {
    /// An empty store.
    #[must_use]
    pub fn new(options: MemoryOptions) -> Self {
        Self(Arc::new(Mutex::new(Hub::new(MemoryStore::new(options)))))
    }

    /// The handle of one more process. Dropped without a close, its process has died.
    #[must_use]
    pub fn open(&self) -> Arc<SharedStore> {
        let handle = self.0.lock().open();
        Arc::new(SharedStore {
            hub: Arc::clone(&self.0),
            handle,
        })
    }

    /// What was changed until now is not known any more to those who have not been told.
    pub fn forget_changes(&self) {
        self.0.lock().forget_changes();
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self::new(MemoryOptions {
            seed: Some(1),
            ..MemoryOptions::default()
        })
    }
}

/// A durable store as one process sees it: what the others change is told by
/// [`Store::follow`].
#[derive(Debug)]
pub struct SharedStore {
    hub: Arc<Mutex<Hub>>,
    handle: usize,
}

impl SharedStore {
    /// The others take its process for dead: what it runs is an orphan, and its late words about
    /// that change nothing. It goes on all the same, as one that stood still for too long does.
    pub fn declare_dead(&self) {
        self.hub.lock().end_session(self.handle);
    }

    /// Keeps what others change from it, until it is let go.
    pub fn hold_news(&self) {
        self.hub.lock().hold(self.handle, true);
    }

    /// Lets it read one more page of what others change, and keeps that from it: it is old when it is
    /// let go.
    pub fn hold_page(&self) {
        self.hub.lock().keep_page(self.handle, true);
    }

    /// Whether there is a page that is kept from it.
    #[must_use]
    pub fn has_page(&self) -> bool {
        self.hub.lock().has_page(self.handle)
    }

    /// Tells it what was held.
    pub fn let_news_go(&self) {
        let mut hub = self.hub.lock();
        hub.hold(self.handle, false);
        hub.keep_page(self.handle, false);
    }

    fn pass<T>(&self, ask: impl FnOnce(&mut Hub, usize) -> bursar_core::Result<T>) -> Reply<T> {
        let mut hub = self.hub.lock();
        if hub.is_closed(self.handle) {
            return Reply::now(Err(Error::closed()));
        }
        Reply::now(ask(&mut hub, self.handle))
    }
}

impl Drop for SharedStore {
    fn drop(&mut self) {
        self.hub.lock().close(self.handle);
    }
}

impl Store for SharedStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "shared",
            durable: true,
            live_payloads: false,
            spill: self.hub.lock().store.capabilities().spill,
        }
    }

    fn submit(&self, request: bursar_core::Submit) -> Reply<Batch<Submitted>> {
        self.pass(|hub, handle| hub.submit(handle, request))
    }

    fn claim(&self, request: bursar_core::Claim) -> Reply<Vec<Claimed>> {
        self.pass(|hub, handle| hub.claim(handle, request))
    }

    fn finish(&self, request: bursar_core::Finish) -> Reply<Batch<Fenced>> {
        self.pass(|hub, handle| hub.finish(handle, request))
    }

    fn note(&self, request: bursar_core::Note) -> Reply<Fenced> {
        self.pass(|hub, handle| hub.note(handle, request))
    }

    fn cancel(&self, request: bursar_core::Cancel) -> Reply<Cancelled> {
        self.pass(|hub, handle| hub.cancel(handle, request))
    }

    fn promote(&self, request: bursar_core::Promote) -> Reply<Promoted> {
        self.pass(|hub, handle| hub.promote(handle, request))
    }

    fn retry(&self, request: bursar_core::Ref) -> Reply<Submitted> {
        self.pass(|hub, handle| hub.retry(handle, request))
    }

    fn delete(&self, request: bursar_core::Ref) -> Reply<Deletion> {
        self.pass(|hub, _| hub.store.delete(request).wait())
    }

    fn get(&self, request: bursar_core::Get) -> Reply<Option<JobInfo>> {
        self.pass(|hub, _| hub.store.get(request).wait())
    }

    fn list(&self, request: bursar_core::List) -> Reply<Listed> {
        self.pass(|hub, _| hub.store.list(request).wait())
    }

    fn count(&self, request: bursar_core::Count) -> Reply<u64> {
        self.pass(|hub, _| hub.store.count(request).wait())
    }

    fn tally(&self) -> Reply<Tally> {
        self.pass(|hub, _| hub.store.tally().wait())
    }

    fn prune(&self, request: bursar_core::Prune) -> Reply<Pruned> {
        self.pass(|hub, _| hub.store.prune(request).wait())
    }

    fn follow(&self, request: Follow) -> Reply<Followed> {
        news::follow(&self.hub, self.handle, request)
    }

    fn close(&self) -> Reply<()> {
        self.hub.lock().close(self.handle);
        Reply::ok(())
    }
}
