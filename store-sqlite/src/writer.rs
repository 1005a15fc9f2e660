//! The thread that writes. All that waits when it begins, and what comes while it carries that out, is
//! one transaction and one sync; what comes during the sync is the next one.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bursar_core::Durability;
use rusqlite::Connection;

use crate::books::{Books, KEPT_CHANGES, Memo};
use crate::error::{Outcome, Trouble, is_fatal, is_held, is_of_request, no_turn};
use crate::lane::{Answer, EndOf, Lane};
use crate::mend;
use crate::open::{Place, Role};
use crate::outputs;
use crate::sql;
use crate::watch::Watch;

/// How many jobs one transaction may change at most: many enough to share its sync, few enough not
/// to keep those waiting that come next.
const BATCH: usize = 8_192;

/// A request that writes.
pub(crate) trait Write: Send {
    /// How many jobs it changes.
    fn weight(&self) -> usize;

    /// Carries it out, and keeps the answer. Carried out again, it does the same again.
    fn run(&mut self, books: &mut Books<'_>) -> rusqlite::Result<()>;

    /// Gives the answer once it is committed, or what kept it from being so.
    fn answer(self: Box<Self>, trouble: Option<&Trouble>);
}

/// A request with its answer.
pub(crate) struct Asked<T: Send + 'static, F> {
    pub(crate) weight: usize,
    pub(crate) ask: F,
    pub(crate) answer: Answer<T>,
}

impl<T, F> Write for Asked<T, F>
where
    T: Send + 'static,
    F: Fn(&mut Books<'_>) -> Outcome<T> + Send,
{
    fn weight(&self) -> usize {
        self.weight
    }

    fn run(&mut self, books: &mut Books<'_>) -> rusqlite::Result<()> {
        self.answer.note((self.ask)(books))
    }

    fn answer(self: Box<Self>, trouble: Option<&Trouble>) {
        self.answer.send(trouble);
    }
}

pub(crate) type Works = Lane<Box<dyn Write>>;

/// The writer's side of a store.
pub(crate) struct Writer {
    pub(crate) place: Arc<Place>,
    pub(crate) memo: Memo,
    pub(crate) result_ttl: i64,
    /// None once it saw an error after which it must not be used: the next request opens another.
    pub(crate) connection: Option<Connection>,
    pub(crate) watch: Arc<Watch>,
    /// How many changes were made here since the watching thread looked at what comes after them.
    pub(crate) unseen: i64,
}

impl Writer {
    pub(crate) fn run(mut self, works: &Arc<Works>) {
        let end = EndOf(Arc::clone(works));
        while let Some(batch) = works.take(BATCH, |work| work.weight()) {
            if let Some(held) = self.carry_out(batch, works) {
                // They have waited for the same: whoever closes the store need not wait once more.
                answer(works.take_all(), Some(&held));
            }
        }
        self.close();
        drop(end);
    }

    /// Carries out requests in one transaction. Where the turn to write can't be had, that is told
    /// to them, and to the caller.
    fn carry_out(&mut self, mut batch: Vec<Box<dyn Write>>, works: &Works) -> Option<Trouble> {
        let Err(error) = self.transact(&mut batch, Some(works)) else {
            answer(batch, None);
            return None;
        };
        if batch.len() > 1 && is_of_request(&error) {
            return self.carry_out_singly(batch);
        }
        let trouble = Trouble::of(&self.place.path, &error);
        answer(batch, Some(&trouble));
        is_held(&error).then_some(trouble)
    }

    /// One of them is to blame: it must not take the others with it.
    fn carry_out_singly(&mut self, batch: Vec<Box<dyn Write>>) -> Option<Trouble> {
        let mut left = batch.into_iter();
        let held = left.find_map(|work| self.carry_out_one(work))?;
        answer(left.collect(), Some(&held));
        Some(held)
    }

    fn carry_out_one(&mut self, work: Box<dyn Write>) -> Option<Trouble> {
        let mut batch = vec![work];
        let done = self.transact(&mut batch, None);
        let trouble = done
            .as_ref()
            .err()
            .map(|error| Trouble::of(&self.place.path, error));
        answer(batch, trouble.as_ref());
        trouble.filter(|_| done.is_err_and(|error| is_held(&error)))
    }

    /// Carries out `batch`, and in the same transaction what comes into `works` while it does.
    fn transact(
        &mut self,
        batch: &mut Vec<Box<dyn Write>>,
        works: Option<&Works>,
    ) -> rusqlite::Result<()> {
        let place = Arc::clone(&self.place);
        let (done, connection) = {
            let _turn = place.guard.hold().map_err(no_turn)?;
            let connection = match self.connection.take() {
                Some(connection) => connection,
                None => {
                    // What was read through another connection may be of another time.
                    self.memo.clear();
                    reconnect(&place)?
                }
            };
            let done = self.write_synced(&connection, batch, works);
            if done.is_err() {
                self.memo.clear();
                take_back(&connection);
            } else {
                self.memo.starts.succeeded();
            }
            (done, connection)
        };
        if let Ok(changes) = done {
            self.tell(changes);
            self.clear_files(&connection);
        }
        let done = done.map(drop);
        match &done {
            Err(error) if is_fatal(error) => drop(connection),
            _ => self.connection = Some(connection),
        }
        done
    }

    /// Removes the files that are named no more by what was committed.
    fn clear_files(&mut self, connection: &Connection) {
        let (files, losses) = self.memo.take_files();
        self.place.spill.remove(files.iter().map(String::as_str));
        if losses {
            // What is left now is looked at again when the store is opened.
            let _ = outputs::sweep(connection, &self.place.spill);
        }
    }

    /// What weighs nothing need not survive anything: it is not waited for the disk.
    fn write_synced(
        &mut self,
        connection: &Connection,
        batch: &mut Vec<Box<dyn Write>>,
        works: Option<&Works>,
    ) -> rusqlite::Result<i64> {
        let light = batch.iter().all(|work| work.weight() == 0);
        if !light || self.place.durability != Durability::Full {
            let works = works.filter(|_| !light);
            return self.write(connection, batch, works);
        }
        connection.execute_batch(sql::SYNC_OFF)?;
        let done = self.write(connection, batch, None);
        if done.is_err() {
            take_back(connection);
        }
        connection.execute_batch(sql::SYNC_ON)?;
        done
    }

    /// Wakes those who are to hear of what was committed.
    fn tell(&mut self, changes: i64) {
        let presence = &mut self.memo.presence;
        let session = presence.session();
        let before = self.place.here.session.swap(session, Ordering::SeqCst);
        if changes > 0 {
            presence.ring();
        }
        self.unseen += changes;
        // It must not lose track of what comes after our own changes.
        let behind = self.unseen > KEPT_CHANGES / 4;
        if presence.clear_buried() || behind || before != session {
            self.unseen = 0;
            self.watch.call();
        }
        if std::mem::take(&mut self.memo.claimed) {
            self.watch.claimed();
        }
    }

    fn write(
        &mut self,
        connection: &Connection,
        batch: &mut Vec<Box<dyn Write>>,
        works: Option<&Works>,
    ) -> rusqlite::Result<i64> {
        let kept = (self.result_ttl, &self.place.spill);
        let mut books = Books::begin(connection, &mut self.memo, kept)?;
        let (mut done, mut room) = (0, BATCH);
        while done < batch.len() {
            for work in &mut batch[done..] {
                room = room.saturating_sub(work.weight());
                work.run(&mut books)?;
            }
            done = batch.len();
            // What has come meanwhile shares the commit.
            if let Some(works) = works {
                works.add_to(batch, room, |work| work.weight());
            }
        }
        books.settle()?;
        let changes = books.added_changes();
        connection.prepare_cached(sql::COMMIT)?.execute([])?;
        Ok(changes)
    }

    /// Brings everything from the log into the file itself, where nobody else is in the way.
    fn close(&mut self) {
        // Without the turn nothing is written: whoever looks finds that we are gone.
        if let Some(connection) = self.connection.take()
            && let Ok(_turn) = self.place.guard.hold()
        {
            match self.memo.presence.end(&connection) {
                // What can't be moved now is in the log, and is found there.
                Ok(()) => drop(connection.execute_batch(sql::CHECKPOINT_LOG)),
                // Whoever looks finds that we are gone. Nothing more is done through a connection
                // that may have seen the disk fail.
                Err(_) => take_back(&connection),
            }
        }
        self.place.guard.leave();
    }
}

/// Another connection, after the one before saw an error.
fn reconnect(place: &Place) -> rusqlite::Result<Connection> {
    let connection = place.connect(Role::Writer)?;
    mend::empty_log(&connection)?;
    Ok(connection)
}

fn take_back(connection: &Connection) {
    if !connection.is_autocommit() {
        // A rollback that fails leaves a transaction that was never committed.
        let _ = connection.execute_batch(sql::ROLLBACK);
    }
}

fn answer(batch: Vec<Box<dyn Write>>, trouble: Option<&Trouble>) {
    for work in batch {
        work.answer(trouble);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use bursar_core::{ErrorKind, NewJob, Payload, Result, Store, Submit, Timestamp};
    use bursar_testkit::Folder;
    use bursar_testkit::conformance::job;
    use rusqlite::ffi;

    use super::*;
    use crate::error::Fault;
    use crate::{SqliteOptions, SqliteStore};

    struct Scene {
        writer: Writer,
        folder: Folder,
    }

    impl Scene {
        fn new() -> Self {
            let folder = Folder::new();
            let path = folder.join("jobs.db");
            let options = SqliteOptions {
                durability: Durability::Process,
                ..SqliteOptions::default()
            };
            let (place, connection, presence) = Place::open(&path, &options).unwrap();
            let writer = Writer {
                place: Arc::new(place),
                memo: Memo::new(Some(1), presence),
                result_ttl: 1_000_000,
                connection: Some(connection),
                watch: Arc::default(),
                unseen: 0,
            };
            Self { writer, folder }
        }

        /// Carries out requests in one batch; their answers.
        fn carry_out<T: Send + 'static>(&mut self, asks: Vec<Ask<T>>) -> Vec<Result<T>> {
            let (batch, replies): (Vec<Box<dyn Write>>, Vec<_>) = asks
                .into_iter()
                .map(|ask| {
                    let (answer, reply) = Answer::new();
                    let weight = 1;
                    let asked: Box<dyn Write> = Box::new(Asked {
                        weight,
                        ask,
                        answer,
                    });
                    (asked, reply)
                })
                .unzip();
            self.writer.carry_out(batch, &Works::default());
            replies.into_iter().map(bursar_core::Reply::wait).collect()
        }

        fn submit(&mut self, args: Payload) -> Result<u64> {
            let ask = submit_of(args);
            self.carry_out(vec![ask]).remove(0)
        }

        /// How many jobs another one sees.
        fn stored(&self) -> u64 {
            let path = self.folder.join("jobs.db");
            let store = SqliteStore::open(path, SqliteOptions::default()).unwrap();
            store.tally().wait().unwrap().unfinished()
        }
    }

    type Ask<T> = Box<dyn Fn(&mut Books<'_>) -> Outcome<T> + Send>;

    fn submit_of(args: Payload) -> Ask<u64> {
        let one = NewJob { args, ..job() };
        let jobs = [one].into_iter().collect();
        let now = Timestamp::from_micros(1_000_000);
        let request = Submit { now, jobs };
        Box::new(move |books| Ok(books.submit(&request)?[0].sequence))
    }

    fn fails(code: i32) -> Ask<u64> {
        Box::new(move |books| {
            // What it has written before it failed must be taken back.
            submit_of(Payload::Null)(books)?;
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            Err(Fault::Sqlite(error))
        })
    }

    #[test]
    fn one_request_does_not_take_others_with_it() {
        let mut scene = Scene::new();
        let (good, bad) = (|| submit_of(Payload::Null), fails(ffi::SQLITE_CONSTRAINT));
        let answers = scene.carry_out(vec![good(), bad, good()]);
        assert!(answers[0].is_ok() && answers[2].is_ok());
        let kind = answers[1].as_ref().unwrap_err().kind();
        assert_eq!((kind, scene.stored()), (ErrorKind::Internal, 2));
    }

    #[test]
    fn a_connection_that_saw_an_io_error_is_not_used_again() {
        let mut scene = Scene::new();
        let mark = |scene: &Scene, statement: &str| {
            let connection = scene.writer.connection.as_ref().unwrap();
            connection.execute_batch(statement).is_ok()
        };
        assert!(mark(&scene, "CREATE TEMP TABLE mark (x)"));
        let answers = scene.carry_out(vec![fails(ffi::SQLITE_IOERR), submit_of(Payload::Null)]);
        for answer in answers {
            let error = answer.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unavailable);
            assert!(error.to_string().contains("jobs.db"), "{error}");
        }
        assert!(scene.writer.connection.is_none());
        assert!(scene.submit(Payload::Null).is_ok());
        assert!(!mark(&scene, "SELECT * FROM temp.mark"), "it was kept");
        assert_eq!(scene.stored(), 1);
    }

    #[test]
    fn a_full_disk_loses_nothing_and_is_told() {
        let mut scene = Scene::new();
        let pages = |scene: &Scene, most: i64| {
            let connection = scene.writer.connection.as_ref().unwrap();
            connection
                .pragma_update(None, "max_page_count", most)
                .unwrap();
        };
        scene.submit(Payload::Null).unwrap();
        pages(&scene, 40);
        let large = || Payload::json(vec![b'1'; 1 << 20]);
        let error = scene.submit(large()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let message = error.to_string();
        assert!(
            message.contains("jobs.db") && message.contains("disk is full"),
            "{message}"
        );
        assert_eq!(scene.stored(), 1);
        pages(&scene, 1_000_000);
        scene.submit(large()).unwrap();
        assert_eq!(scene.stored(), 2);
    }

    #[test]
    fn what_arrives_during_a_commit_is_committed_together() {
        let works = Arc::<Works>::default();
        let mut scene = Scene::new();
        let (send, receive) = channel();
        let mut replies = Vec::new();
        for number in 0..100_u64 {
            let (answer, reply) = Answer::new();
            let send = send.clone();
            let ask = move |books: &mut Books<'_>| {
                send.send((number, books.transaction())).unwrap();
                Ok(number)
            };
            let weight = 1;
            let asked = Asked {
                weight,
                ask,
                answer,
            };
            assert!(works.push(Box::new(asked)).is_ok());
            replies.push(reply);
        }
        works.close();
        scene.writer.memo.clear();
        scene.writer.run(&works);
        let order: Vec<u64> = replies
            .into_iter()
            .map(|reply| reply.wait().unwrap())
            .collect();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
        drop(send);
        let transactions: std::collections::BTreeSet<u64> =
            receive.iter().map(|(_, transaction)| transaction).collect();
        assert_eq!(transactions.len(), 1);
    }
}
