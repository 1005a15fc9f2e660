use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bursar_core::{
    Backup, Batch, Cancel, Cancelled, Capabilities, Claim, Claimed, Count, Deletion, Error,
    ErrorKind, Fenced, Finish, Follow, Followed, Get, JobInfo, List, Listed, Note, Position,
    Promote, Promoted, Prune, Pruned, Ref, Reply, Result, Store, Submit, Submitted, SystemClock,
    Tally,
};

use tokio::sync::oneshot;

use crate::backup;
use crate::books::{Books, Memo};
use crate::codes::stored;
use crate::error::Outcome;
use crate::lane::{Answer, gone};
use crate::open::Place;
use crate::options::SqliteOptions;
use crate::outputs;
use crate::read::Reading;
use crate::reader::{Looked, Looks, Reader};
use crate::row::Library;
use crate::submit::duration;
use crate::watch::{Follower, Watch};
use crate::watcher::{Pace, Watcher};
use crate::writer::{Asked, Works, Writer};

/// The store behind the URL `sqlite:path`: one file, and beside it what SQLite and this store keep
/// for those who have it open (`-wal`, `-shm`, `-lock`, `-open`, `-session-N`).
pub struct SqliteStore {
    place: Arc<Place>,
    works: Arc<Works>,
    looks: Arc<Looks>,
    watch: Arc<Watch>,
    pace: Pace,
    /// The watching thread was started, or the store is closed.
    watched: AtomicBool,
    /// The process that opened it: its threads don't come along into a fork.
    process: u32,
}

impl SqliteStore {
    /// Opens the file at `path`, and makes it where there is none.
    ///
    /// # Errors
    /// `Invalid` for a path that can't be one of a store: empty, a folder, in a folder that isn't
    /// there, on a network file system, a file of another program or no SQLite file at all.
    /// `Conflict` for a file of a newer version. `Unavailable` where the file can't be read or
    /// written, or another process stands still in the middle of a write.
    pub fn open(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self> {
        let (place, connection, presence) = Place::open(path.as_ref(), &options)?;
        // What was left by a crash is looked for again at the next open, where that fails now.
        let _ = outputs::sweep(&connection, &place.spill);
        let store = Self {
            place: Arc::new(place),
            works: Arc::default(),
            looks: Arc::default(),
            watch: Arc::default(),
            pace: Pace::new(options.lease, options.lease_grace),
            watched: AtomicBool::new(false),
            process: std::process::id(),
        };
        let writer = Writer {
            place: Arc::clone(&store.place),
            memo: Memo::new(options.seed, presence),
            result_ttl: duration(options.result_ttl),
            connection: Some(connection),
            watch: Arc::clone(&store.watch),
            unseen: 0,
        };
        let reader = Reader {
            place: Arc::clone(&store.place),
            library: Library::default(),
            connection: None,
        };
        let (works, looks) = (Arc::clone(&store.works), Arc::clone(&store.looks));
        spawn("bursar-write", move || writer.run(&works))?;
        spawn("bursar-read", move || reader.run(&looks))?;
        Ok(store)
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    /// Ends the threads, each once it has carried out what it was asked before.
    fn end(&self) {
        self.watch.close();
        self.looks.close();
        self.works.close();
    }

    /// # Errors
    /// `Conflict` in a child that was forked from the process that opened the store.
    fn check_process(&self) -> Result<()> {
        let here = std::process::id();
        if here == self.process {
            return Ok(());
        }
        Err(Error::conflict(format!(
            "the store in {} was opened by process {}, and this is a child that was forked from it ({here}): open it again here",
            self.place.path.display(),
            self.process
        )))
    }

    /// Starts the watching thread where somebody is to be watched: those who only submit or read
    /// do without.
    fn be_watched(&self) -> Result<()> {
        if self.watched.load(Ordering::Acquire) {
            return Ok(());
        }
        self.check_process()?;
        let must = self.watch.must_start().map_err(|error| {
            let message = "the store's thread can't be called";
            Error::new(ErrorKind::Unavailable, message).with_source(error)
        })?;
        if must {
            let (place, works) = (Arc::clone(&self.place), Arc::clone(&self.works));
            let clock = Arc::new(SystemClock::new());
            let watcher = Watcher::new(place, works, clock, self.pace);
            let watch = Arc::clone(&self.watch);
            spawn("bursar-watch", move || watcher.run(&watch)).inspect_err(|_| self.watch.end())?;
        }
        self.watched.store(true, Ordering::Release);
        Ok(())
    }

    /// What others change after the change with this number, once there is something.
    fn changes(&self, after: u64, limit: usize) -> Reply<Followed> {
        if let Err(error) = self.check_process().and_then(|()| self.be_watched()) {
            return Reply::now(Err(error));
        }
        let (answer, reply) = Answer::new();
        let after = stored(after);
        let follower = Follower {
            after,
            limit,
            answer,
        };
        match self.watch.follow(follower) {
            Ok(()) => reply,
            Err(_) => Reply::now(Err(Error::closed())),
        }
    }

    /// Has the writer carry out `ask`, which changes `weight` jobs.
    fn write<T, F>(&self, weight: usize, ask: F) -> Reply<T>
    where
        T: Send + 'static,
        F: Fn(&mut Books<'_>) -> Outcome<T> + Send + 'static,
    {
        if let Err(error) = self.check_process() {
            return Reply::now(Err(error));
        }
        let (answer, reply) = Answer::new();
        let weight = weight.max(1);
        let asked = Box::new(Asked {
            weight,
            ask,
            answer,
        });
        match self.works.push(asked) {
            Ok(()) => reply,
            Err(_) => Reply::now(Err(Error::closed())),
        }
    }

    /// Has the reader carry out `look`.
    fn read<T, F>(&self, look: F) -> Reply<T>
    where
        T: Send + 'static,
        F: Fn(&mut Reading<'_>) -> Outcome<T> + Send + 'static,
    {
        if let Err(error) = self.check_process() {
            return Reply::now(Err(error));
        }
        let (answer, reply) = Answer::new();
        match self.looks.push(Box::new(Looked { look, answer })) {
            Ok(()) => reply,
            Err(_) => Reply::now(Err(Error::closed())),
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
    let builder = std::thread::Builder::new().name(name.to_owned());
    let started = builder.spawn(run).map(drop);
    started.map_err(|error| {
        let message = "the store's thread could not be started";
        Error::new(ErrorKind::Unavailable, message).with_source(error)
    })
}

impl Store for SqliteStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "sqlite",
            durable: true,
            live_payloads: false,
            spill: Some(self.place.spill.clone()),
        }
    }

    fn submit(&self, request: Submit) -> Reply<Batch<Submitted>> {
        if request.jobs.iter().any(|job| job.worker.is_some()) {
            if let Err(error) = self.be_watched() {
                return Reply::now(Err(error));
            }
            self.place.here.note_time(request.now);
        }
        self.write(request.jobs.len(), move |books| books.submit(&request))
    }

    fn claim(&self, request: Claim) -> Reply<Vec<Claimed>> {
        if let Err(error) = self.be_watched() {
            return Reply::now(Err(error));
        }
        self.place.here.note_time(request.now);
        self.write(request.jobs.len(), move |books| books.claim(&request))
    }

    fn finish(&self, request: Finish) -> Reply<Batch<Fenced>> {
        self.place.here.note_time(request.now);
        self.write(request.attempts.len(), move |books| books.finish(&request))
    }

    fn note(&self, request: Note) -> Reply<Fenced> {
        self.write(1, move |books| books.note(&request))
    }

    fn cancel(&self, request: Cancel) -> Reply<Cancelled> {
        self.write(1, move |books| books.cancel(&request))
    }

    fn promote(&self, request: Promote) -> Reply<Promoted> {
        self.place.here.note_time(request.now);
        self.write(1, move |books| books.promote(&request))
    }

    fn retry(&self, request: Ref) -> Reply<Submitted> {
        self.write(1, move |books| books.retry(&request))
    }

    fn delete(&self, request: Ref) -> Reply<Deletion> {
        self.write(1, move |books| books.delete(&request))
    }

    fn get(&self, request: Get) -> Reply<Option<JobInfo>> {
        self.read(move |reading| reading.get(&request))
    }

    fn list(&self, request: List) -> Reply<Listed> {
        self.read(move |reading| reading.list(&request))
    }

    fn count(&self, request: Count) -> Reply<u64> {
        self.read(move |reading| reading.count(&request.filter))
    }

    fn tally(&self) -> Reply<Tally> {
        self.read(|reading| reading.tally())
    }

    fn follow(&self, request: Follow) -> Reply<Followed> {
        let limit = request.limit;
        match request.from {
            Position::Unfinished(after) => {
                self.read(move |reading| reading.unfinished(after, limit))
            }
            Position::Changed(after) => self.changes(after, limit),
        }
    }

    fn prune(&self, request: Prune) -> Reply<Pruned> {
        self.write(1, move |books| books.prune(&request))
    }

    /// What was asked before is carried out first.
    fn close(&self) -> Reply<()> {
        if let Err(error) = self.check_process() {
            return Reply::now(Err(error));
        }
        self.end();
        let ends = [
            Arc::clone(&self.watch.ended),
            Arc::clone(&self.looks.ended),
            Arc::clone(&self.works.ended),
        ];
        Reply::later(async move {
            for end in ends {
                end.wait_async().await;
            }
            Ok(())
        })
    }
}

impl Backup for SqliteStore {
    fn backup(&self, path: &Path) -> Reply<()> {
        if let Err(error) = self.check_process() {
            return Reply::now(Err(error));
        }
        let (send, receive) = oneshot::channel();
        let (place, path) = (Arc::clone(&self.place), path.to_owned());
        // Nobody may wait for it any more.
        let copy = move || drop(send.send(backup::copy(&place, &path)));
        match spawn("bursar-backup", copy) {
            Ok(()) => Reply::later(async move { receive.await.unwrap_or_else(|_| Err(gone())) }),
            Err(error) => Reply::now(Err(error)),
        }
    }
}

impl Drop for SqliteStore {
    /// The threads end once they have carried out what was asked.
    fn drop(&mut self) {
        if self.check_process().is_ok() {
            self.end();
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.place.path)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bursar_core::{JobFilter, Timestamp};
    use bursar_testkit::Folder;
    use bursar_testkit::conformance::job;

    use super::*;

    #[test]
    fn whoever_cannot_hear_looks_by_itself() {
        let folder = Folder::new();
        let path = folder.join("jobs.db");
        let open = || SqliteStore::open(&path, SqliteOptions::default()).unwrap();
        let (deaf, other) = (open(), open());
        deaf.watch.ears.set(crate::ears::Ears::deaf()).unwrap();
        let (from, limit) = (Position::Unfinished(0), 10);
        let from = deaf.follow(Follow { from, limit }).wait().unwrap().next;
        let told = deaf.follow(Follow { from, limit });
        let now = Timestamp::from_micros(1);
        let jobs = [job()].into_iter().collect();
        other.submit(Submit { now, jobs }).wait().unwrap();
        let told = told.wait().unwrap();
        assert_eq!(told.jobs.len(), 1);
        let waits = deaf.follow(Follow {
            from: told.next,
            limit,
        });
        deaf.close().wait().unwrap();
        assert_eq!(waits.wait().unwrap_err().kind(), ErrorKind::Closed);
    }

    #[test]
    fn a_forked_child_is_refused_and_writes_nothing() {
        let folder = Folder::new();
        let path = folder.join("jobs.db");
        let open = || SqliteStore::open(&path, SqliteOptions::default()).unwrap();
        let (parent, mut child) = (open(), open());
        child.process = 1;
        let now = Timestamp::from_micros(1);
        let jobs = [job()].into_iter().collect();
        let error = child.submit(Submit { now, jobs }).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains("forked"), "{error}");
        let filter = JobFilter::default();
        assert!(child.count(Count { filter }).wait().is_err());
        assert!(child.close().wait().is_err());
        let filter = JobFilter::default();
        assert_eq!(parent.count(Count { filter }).wait().unwrap(), 0);
        // Its threads are the parent's: they are let be.
        child.process = std::process::id();
    }
}
