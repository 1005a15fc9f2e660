//! The contract of a store: the durable truth about jobs.
//!
//! A store keeps records and holds no policy. Who runs next, whether a failed job is tried again
//! and when, is decided by the engine, and told to the store as data. Every rule in the comments
//! below has a test of the same name in the conformance suite, which runs against every store.

mod backup;
mod memory;
mod promise;
mod reply;
mod request;

use std::fmt::Debug;

use crate::job::JobInfo;

pub use backup::Backup;
pub use memory::{MemoryOptions, MemoryStore};
pub(crate) use promise::Line;
pub use promise::Promise;
pub use reply::{Later, Reply};
pub use request::{
    Batch, Cancel, Cancelled, Capabilities, Claim, Claimed, Count, Deletion, Expired, Fenced,
    Finish, FinishedAttempt, Follow, Followed, Get, List, Listed, Next, Note, NoteKind, Position,
    Promote, Promoted, Prune, Pruned, Queued, Ref, Standing, Submit, Submitted, Tally,
};

/// A place where jobs live. Every method takes a request and gives a reply that is either there at
/// once or comes later; every write is a compare-and-set, and one that matches nothing changes
/// nothing.
pub trait Store: Debug + Send + Sync + 'static {
    /// What this store can and cannot do.
    fn capabilities(&self) -> Capabilities;

    /// Accepts jobs, all of them or none, in their order, and gives each an id and the next
    /// sequence number. A job whose unique key an unfinished job already has is not stored: the
    /// reply names that job. A job whose time has not come is `scheduled`, any other `queued`.
    fn submit(&self, request: Submit) -> Reply<Batch<Submitted>>;

    /// Makes `queued` jobs `running`, each with its next attempt number, and tells them in the
    /// order in which they were asked for. A job that is not queued, or was to start before now,
    /// is left out.
    fn claim(&self, request: Claim) -> Reply<Vec<Claimed>>;

    /// Records how attempts ended and what follows, for each whose job is still running exactly
    /// that attempt; any other is stale and changes nothing. One answer for each, in their order.
    ///
    /// A file of large output that an end names is in the folder of this store, and is the store's from
    /// then on: it is there exactly as long as the job. One that comes with a stale end is removed,
    /// unless the job names it already: then the same end is told again.
    fn finish(&self, request: Finish) -> Reply<Batch<Fenced>>;

    /// Records progress, a log line or a checkpoint of a running attempt; stale ones change
    /// nothing.
    fn note(&self, request: Note) -> Reply<Fenced>;

    /// Cancels a job that waits. A running one is left as it is, and the reply says which attempt
    /// to ask; so is one that has ended.
    fn cancel(&self, request: Cancel) -> Reply<Cancelled>;

    /// Cancels jobs that were to start before now and never did, makes due `scheduled` and
    /// `retrying` jobs `queued`, and says when there is something to do next. Those whose time
    /// came first go first, then by sequence; a started job does not expire any more.
    fn promote(&self, request: Promote) -> Reply<Promoted>;

    /// Submits a `failed` job again as a new job, linked to the old one. Its unique key, where it
    /// has one, counts as in any submit.
    fn retry(&self, request: Ref) -> Reply<Submitted>;

    /// Deletes a job that has ended, and then its files.
    fn delete(&self, request: Ref) -> Reply<Deletion>;

    /// One job; `None` where there is none with that id, or its time to be forgotten has come.
    fn get(&self, request: Get) -> Reply<Option<JobInfo>>;

    /// Jobs that match, a page at a time.
    fn list(&self, request: List) -> Reply<Listed>;

    /// How many jobs match.
    fn count(&self, request: Count) -> Reply<u64>;

    /// How many jobs are in each state, in constant time.
    fn tally(&self) -> Reply<Tally>;

    /// First the jobs of others that have not ended, and all orphans, a page at a time, then the jobs
    /// that were changed through other handles on the same store, where there can be any: that answer
    /// comes once there is a change. What is changed while the pages are read is told after them; each job once in a page,
    /// as it stands then, or that it is not there any more. A job is an orphan once what ran it is gone, until
    /// its attempt is recorded as lost, and such losses count for 72 h. Where a job is cancelled while it
    /// runs, that is told with it until it has ended. A close ends the following. An engine follows its store from its start to its end.
    fn follow(&self, request: Follow) -> Reply<Followed>;

    /// Forgets ended jobs whose time is up, a bounded number at a time, those first whose time was
    /// up first. That time is `result_ttl` after the end, however often the job is read. A store
    /// that ends with its process also bounds how many it keeps, dead letters apart from others:
    /// the least recently used go first. Their files go with them. A file that no job names, and whose
    /// attempt does not run, was left by a crash, and is swept.
    fn prune(&self, request: Prune) -> Reply<Pruned>;

    /// Closes the store: every later request is refused as `Closed`. What ends with the process
    /// is gone.
    fn close(&self) -> Reply<()>;
}
