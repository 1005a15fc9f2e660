//! Stores that behave as real ones do on a bad day, over one that doesn't.

mod broken;
mod kept;
mod late;
mod shared;

pub use broken::{BrokenStore, When};
pub use kept::KeptStore;
pub use late::LateStore;
pub use shared::{Shared, SharedStore};

/// Hands every request of a [`Store`](bursar_core::Store) to `self.$pass(name, request)`.
macro_rules! every_request {
    ($pass:ident) => {
        fn submit(&self, request: bursar_core::Submit) -> Reply<Batch<Submitted>> {
            self.$pass("submit", move |store| store.submit(request))
        }
        fn claim(&self, request: bursar_core::Claim) -> Reply<Vec<Claimed>> {
            self.$pass("claim", move |store| store.claim(request))
        }
        fn finish(&self, request: bursar_core::Finish) -> Reply<Batch<Fenced>> {
            self.$pass("finish", move |store| store.finish(request))
        }
        fn note(&self, request: bursar_core::Note) -> Reply<Fenced> {
            self.$pass("note", move |store| store.note(request))
        }
        fn cancel(&self, request: bursar_core::Cancel) -> Reply<Cancelled> {
            self.$pass("cancel", move |store| store.cancel(request))
        }
        fn promote(&self, request: bursar_core::Promote) -> Reply<Promoted> {
            self.$pass("promote", move |store| store.promote(request))
        }
        fn retry(&self, request: bursar_core::Ref) -> Reply<Submitted> {
            self.$pass("retry", move |store| store.retry(request))
        }
        fn delete(&self, request: bursar_core::Ref) -> Reply<Deletion> {
            self.$pass("delete", move |store| store.delete(request))
        }
        fn get(&self, request: bursar_core::Get) -> Reply<Option<JobInfo>> {
            self.$pass("get", move |store| store.get(request))
        }
        fn list(&self, request: bursar_core::List) -> Reply<Listed> {
            self.$pass("list", move |store| store.list(request))
        }
        fn count(&self, request: bursar_core::Count) -> Reply<u64> {
            self.$pass("count", move |store| store.count(request))
        }
        fn tally(&self) -> Reply<Tally> {
            self.$pass("tally", |store| store.tally())
        }
        fn prune(&self, request: bursar_core::Prune) -> Reply<Pruned> {
            self.$pass("prune", move |store| store.prune(request))
        }
        fn follow(&self, request: bursar_core::Follow) -> Reply<bursar_core::Followed> {
            self.$pass("follow", move |store| store.follow(request))
        }
        fn close(&self) -> Reply<()> {
            self.$pass("close", |store| store.close())
        }
    };
}
use every_request;
