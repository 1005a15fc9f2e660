//! A store that lives and ends with its process: the fast path.

mod arrivals;
mod books;
mod changes;
mod reading;
mod record;
mod retention;
mod timetable;

use std::time::Duration;

use crate::error::{Error, Result};
use crate::hot_mutex::HotMutex;
use crate::job::{JobInfo, NewJob};
use crate::spill::SpillFolder;
use crate::store::{
    Batch, Cancel, Cancelled, Capabilities, Claim, Claimed, Count, Deletion, Fenced, Finish,
    Follow, Followed, Get, List, Listed, Note, Position, Promote, Promoted, Prune, Pruned, Ref,
    Reply, Store, Submit, Submitted, Tally,
};
use crate::sync::MutexGuard;
use arrivals::Arrivals;
use books::Books;
use record::Trash;

/// How much a [`MemoryStore`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryOptions {
    /// How many completed and cancelled jobs are kept, and how many failed ones beside them; the
    /// least recently used go first. Default 10,000.
    pub max_results: usize,
    /// How long an ended job is kept where its task doesn't say; default 1 h.
    pub result_ttl: Duration,
    /// What the random part of job ids starts from; default: a different one each time.
    pub seed: Option<u64>,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            max_results: 10_000,
            result_ttl: Duration::from_secs(3_600),
            seed: None,
        }
    }
}

/// The store behind the URL `memory:`.
#[derive(Debug)]
pub struct MemoryStore {
    books: HotMutex<Books>,
    /// Taken after the lock of the books, by those who take both.
    arrivals: HotMutex<Arrivals>,
    spill: SpillFolder,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(options: MemoryOptions) -> Self {
        Self {
            books: HotMutex::new(Books::new(options)),
            arrivals: HotMutex::new(Arrivals::new(options.seed)),
            spill: SpillFolder::private(),
        }
    }

    /// Takes the lock of the books. All jobs are in them that were submitted before.
    fn books(&self) -> MutexGuard<'_, Books> {
        let mut books = self.books.lock();
        let mut arrived = self.arrivals.lock().inbox.empty();
        for (sequence, record) in arrived.drain(..) {
            books.insert(sequence, record);
        }
        if arrived.capacity() > 0 {
            self.arrivals.lock().inbox.give_back(arrived);
        }
        books
    }

    /// Accepts jobs without unique keys that wait for a claim.
    fn leave(&self, request: Submit) -> Result<Batch<Submitted>> {
        let mut arrivals = self.arrivals.lock();
        if arrivals.closed {
            return Err(Error::closed());
        }
        let jobs = request.jobs.into_iter();
        let submitted = jobs.map(|job| arrivals.leave(job, request.now)).collect();
        let full = arrivals.is_full();
        drop(arrivals);
        if full {
            drop(self.books());
        }
        Ok(submitted)
    }

    /// Runs `change` under the lock and drops what it throws away after it: dropping a payload may
    /// run the user's code, and that code may call us. Files go then too.
    fn write<T>(&self, change: impl FnOnce(&mut Books, &mut Trash) -> Result<T>) -> Reply<T> {
        let mut trash = Trash::default();
        let result = {
            let mut books = self.books();
            if books.closed {
                Err(Error::closed())
            } else {
                change(&mut books, &mut trash)
            }
        };
        trash.remove_files();
        drop(trash);
        Reply::now(result)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new(MemoryOptions::default())
    }
}

impl Store for MemoryStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "memory",
            durable: false,
            live_payloads: true,
            spill: Some(self.spill.clone()),
        }
    }

    fn submit(&self, request: Submit) -> Reply<Batch<Submitted>> {
        let alone = |job: &NewJob| job.unique.is_none() && job.worker.is_none();
        if request.jobs.iter().all(alone) {
            return Reply::now(self.leave(request));
        }
        let next_id = |now| self.arrivals.lock().next_id(now);
        self.write(|books, trash| Ok(books.submit(request, trash, next_id)))
    }

    fn claim(&self, request: Claim) -> Reply<Vec<Claimed>> {
        self.write(|books, _| Ok(books.claim(&request)))
    }

    fn finish(&self, request: Finish) -> Reply<Batch<Fenced>> {
        self.write(|books, trash| Ok(books.finish(request, trash)))
    }

    fn note(&self, request: Note) -> Reply<Fenced> {
        self.write(|books, trash| Ok(books.note(request, trash)))
    }

    fn cancel(&self, request: Cancel) -> Reply<Cancelled> {
        self.write(|books, trash| Ok(books.cancel(request, trash)))
    }

    fn promote(&self, request: Promote) -> Reply<Promoted> {
        self.write(|books, trash| Ok(books.promote(request, trash)))
    }

    fn retry(&self, request: Ref) -> Reply<Submitted> {
        let next_id = |now| self.arrivals.lock().next_id(now);
        self.write(|books, trash| books.retry(request, trash, next_id))
    }

    fn delete(&self, request: Ref) -> Reply<Deletion> {
        self.write(|books, trash| Ok(books.delete(request, trash)))
    }

    fn get(&self, request: Get) -> Reply<Option<JobInfo>> {
        self.write(|books, _| Ok(books.get(request)))
    }

    fn list(&self, request: List) -> Reply<Listed> {
        self.write(|books, _| Ok(books.list(&request)))
    }

    fn count(&self, request: Count) -> Reply<u64> {
        self.write(|books, _| Ok(books.count(&request.filter)))
    }

    fn tally(&self) -> Reply<Tally> {
        self.write(|books, _| Ok(books.tally))
    }

    /// What is here was never anywhere else, and nobody else can change it.
    fn follow(&self, _: Follow) -> Reply<Followed> {
        self.write(|_, _| {
            Ok(Followed {
                jobs: Vec::new(),
                gone: Vec::new(),
                next: Position::Changed(0),
                gap: false,
            })
        })
    }

    fn prune(&self, request: Prune) -> Reply<Pruned> {
        self.write(|books, trash| Ok(books.prune(request, trash)))
    }

    fn close(&self) -> Reply<()> {
        let old = {
            self.arrivals.lock().closed = true;
            let mut books = self.books();
            books.closed = true;
            books.empty()
        };
        drop(old);
        self.spill.close();
        Reply::ok(())
    }
}
