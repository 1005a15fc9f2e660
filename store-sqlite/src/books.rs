//! One transaction that writes: the connection, and what is written at its end.

use std::collections::HashMap;
use std::sync::Arc;

use bursar_core::{JobId, Spec, SpillFolder, State, Timestamp};
use fastrand::Rng;
use rusqlite::{CachedStatement, Connection, OptionalExtension};

use crate::blocks::Blocks;
use crate::codes::{read, state_code, stored};
use crate::declared;
use crate::error::Outcome;
use crate::hot::{Hot, HotStatements};
use crate::presence::Presence;
use crate::sql;
use crate::starts::Starts;

/// How many specs are remembered: what a program declares is most often much less.
const SPECS: usize = 4_096;

/// How many changes are kept for those who follow: whoever is further behind begins again.
pub(crate) const KEPT_CHANGES: i64 = 100_000;

/// How many changes are forgotten in one go, where they come a few at a time.
const FORGET: i64 = 1_024;

/// What is known of the file without reading it. It holds while nobody else writes.
#[derive(Debug)]
pub(crate) struct Memo {
    /// Specs by their address: the same one as a rule, kept alive so that it stays theirs.
    known: HashMap<usize, (Arc<Spec>, i64)>,
    by_id: HashMap<i64, Arc<Spec>>,
    workers: HashMap<Arc<str>, i64>,
    /// Of those, the one that was asked for last: there is only one as a rule.
    worker: Option<i64>,
    version: Option<i64>,
    random: Rng,
    pub(crate) presence: Presence,
    /// Something was claimed, and not told to the watching thread.
    pub(crate) claimed: bool,
    pub(crate) starts: Starts,
    /// Files that nobody names any more, once this transaction is committed.
    files: Vec<String>,
    /// Attempts were lost: there may be files that nobody will ever name.
    losses: bool,
    /// How many were begun.
    transactions: u64,
}

impl Memo {
    pub(crate) fn new(seed: Option<u64>, presence: Presence) -> Self {
        Self {
            known: HashMap::new(),
            by_id: HashMap::new(),
            workers: HashMap::new(),
            worker: None,
            version: None,
            presence,
            claimed: false,
            starts: Starts::default(),
            files: Vec::new(),
            losses: false,
            random: seed.map_or_else(Rng::new, Rng::with_seed),
            transactions: 0,
        }
    }

    /// Forgets what was written in a transaction that was taken back.
    pub(crate) fn clear(&mut self) {
        self.starts.failed();
        self.files.clear();
        self.losses = false;
        self.forget_workers();
        self.forget_specs();
    }

    fn forget_workers(&mut self) {
        self.workers.clear();
        self.worker = None;
    }

    /// Forgets what another one may have taken away.
    fn forget_specs(&mut self) {
        self.known.clear();
        self.by_id.clear();
        self.version = None;
    }

    /// The files that nobody names any more, since what was written is committed, and whether there may be
    /// others.
    pub(crate) fn take_files(&mut self) -> (Vec<String>, bool) {
        let losses = std::mem::take(&mut self.losses);
        (std::mem::take(&mut self.files), losses)
    }

    fn keep(&mut self, spec: &Arc<Spec>, id: i64) {
        if self.known.len() >= SPECS {
            self.known.clear();
        }
        let address = Arc::as_ptr(spec) as usize;
        self.known.insert(address, (Arc::clone(spec), id));
    }
}

/// A transaction. What it has counted is written by [`settle`](Self::settle).
#[derive(Debug)]
pub(crate) struct Books<'c> {
    connection: &'c Connection,
    memo: &'c mut Memo,
    /// How long an ended job is kept where its task doesn't say, in microseconds.
    pub(crate) result_ttl: i64,
    pub(crate) spill: &'c SpillFolder,
    sequence: Option<(u64, u64)>,
    tally: [i64; State::ALL.len()],
    uses: HashMap<i64, i64>,
    pub(crate) blocks: Blocks,
    changes: Changes,
    pub(crate) hot: HotStatements<'c>,
}

/// What this transaction has added to the changes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Changes {
    pub(crate) count: i64,
    /// The number of the last one.
    last: i64,
}

impl<'c> Books<'c> {
    /// Begins to write: from here on nobody else does.
    pub(crate) fn begin(
        connection: &'c Connection,
        memo: &'c mut Memo,
        (result_ttl, spill): (i64, &'c SpillFolder),
    ) -> rusqlite::Result<Self> {
        connection.prepare_cached(sql::BEGIN)?.execute([])?;
        let mut version = connection.prepare_cached(sql::DATA_VERSION)?;
        let version = version.query_row([], |row| row.get(0))?;
        memo.transactions += 1;
        if memo.version != Some(version) {
            memo.forget_specs();
            if memo.presence.look(connection)? {
                // The workers of another session are others.
                memo.forget_workers();
            }
            memo.version = Some(version);
        }
        let mut books = Self {
            connection,
            memo,
            result_ttl,
            spill,
            sequence: None,
            tally: [0; State::ALL.len()],
            uses: HashMap::new(),
            blocks: Blocks::default(),
            changes: Changes::default(),
            hot: HotStatements::new(connection),
        };
        books.give_back_doubtful()?;
        Ok(books)
    }

    /// A number that is the same within a transaction only.
    #[cfg(test)]
    pub(crate) fn transaction(&self) -> u64 {
        self.memo.transactions
    }

    pub(crate) fn statement(&self, sql: &str) -> rusqlite::Result<CachedStatement<'c>> {
        self.connection.prepare_cached(sql)
    }

    /// The next sequence number, an id for it, and the random part of that id.
    pub(crate) fn next_id(&mut self, now: Timestamp) -> rusqlite::Result<(u64, JobId, u32)> {
        let (first, last) = match self.sequence {
            Some(known) => known,
            None => {
                let mut statement = self.statement(sql::LAST_SEQUENCE)?;
                let last = read(statement.query_row([], |row| row.get(0))?);
                (last, last)
            }
        };
        let sequence = last + 1;
        self.sequence = Some((first, sequence));
        let noise = self.memo.random.u32(..);
        Ok((sequence, JobId::new(now, sequence, noise), noise))
    }

    /// Counts a job that went from one state to another.
    pub(crate) fn moved(&mut self, from: State, to: State) {
        self.moved_many(from, to, 1);
    }

    /// Counts a new job.
    pub(crate) fn added(&mut self, job: i64, state: State, spec: i64) {
        self.blocks.came(job);
        self.tally[state as usize] += 1;
        *self.uses.entry(spec).or_default() += 1;
    }

    /// Counts jobs that went from one state to another.
    pub(crate) fn moved_many(&mut self, from: State, to: State, jobs: i64) {
        self.tally[from as usize] -= jobs;
        self.tally[to as usize] += jobs;
    }

    /// Counts a job that is gone.
    pub(crate) fn removed(&mut self, job: i64, state: State, spec: i64) {
        self.blocks.left(job);
        self.tally[state as usize] -= 1;
        *self.uses.entry(spec).or_default() -= 1;
    }

    /// The number of a spec, which is written where it is new.
    pub(crate) fn spec_id(&mut self, spec: &Arc<Spec>) -> Outcome<i64> {
        let address = Arc::as_ptr(spec) as usize;
        if let Some((_, id)) = self.memo.known.get(&address) {
            return Ok(*id);
        }
        let content = declared::content(spec)?;
        let mut find = self.statement(sql::SPEC_BY_CONTENT)?;
        let found = find.query_row([&content], |row| row.get(0)).optional()?;
        let id = match found {
            Some(id) => id,
            None => {
                let priority = spec.priority.as_u8();
                let mut insert = self.statement(sql::INSERT_SPEC)?;
                insert.execute((&*spec.task, priority, &content))?;
                self.connection.last_insert_rowid()
            }
        };
        self.memo.keep(spec, id);
        Ok(id)
    }

    /// The spec of a number.
    pub(crate) fn spec(&mut self, id: i64) -> rusqlite::Result<Arc<Spec>> {
        if let Some(known) = self.memo.by_id.get(&id) {
            return Ok(Arc::clone(known));
        }
        let spec = load_spec(self.connection, id)?;
        if self.memo.by_id.len() >= SPECS {
            self.memo.by_id.clear();
        }
        self.memo.by_id.insert(id, Arc::clone(&spec));
        Ok(spec)
    }

    /// Forgets specs that no job has any more.
    pub(crate) fn drop_unused_specs(&mut self, limit: i64) -> rusqlite::Result<()> {
        let dropped = self.statement(sql::DELETE_UNUSED_SPECS)?.execute([limit])?;
        if dropped > 0 {
            self.memo.known.clear();
        }
        Ok(())
    }

    /// The number of a worker of this store, which is written where it is new.
    pub(crate) fn worker_id(&mut self, name: &Arc<str>) -> rusqlite::Result<i64> {
        if let Some(id) = self.memo.workers.get(name) {
            self.memo.worker = Some(*id);
            return Ok(*id);
        }
        let session = self.memo.presence.session();
        let mut insert = self.statement(sql::INSERT_WORKER)?;
        insert.execute((session, &**name))?;
        let id = self.connection.last_insert_rowid();
        self.memo.workers.insert(Arc::clone(name), id);
        self.memo.worker = Some(id);
        Ok(id)
    }

    /// The worker of this store that has begun jobs last.
    pub(crate) fn last_worker(&self) -> Option<i64> {
        self.memo.worker
    }

    /// Removes a file once this is committed.
    pub(crate) fn drop_file(&mut self, file: String) {
        self.memo.files.push(file);
    }

    /// Says whether an attempt was lost.
    pub(crate) fn note_loss(&mut self, lost: bool) {
        self.memo.losses |= lost;
    }

    /// Says that a job was begun by a worker.
    pub(crate) fn begun(&mut self, job: i64, worker: i64) {
        self.blocks.run(worker, job, 1);
        self.memo.claimed = true;
    }

    /// Says that a job has begun with its submit.
    pub(crate) fn note_start(&mut self, sequence: u64, worker: i64) {
        self.begun(stored(sequence), worker);
        self.memo.starts.note(sequence);
    }

    pub(crate) fn starts(&self) -> &Starts {
        &self.memo.starts
    }

    /// Our session.
    pub(crate) fn session(&self) -> i64 {
        self.memo.presence.session()
    }

    /// Who submits and changes jobs here.
    pub(crate) fn handle(&self) -> i64 {
        self.memo.presence.handle
    }

    /// Tells others that a job is in this state now. Where there are none, nobody need be told:
    /// that stays so until this transaction ends, since a session begins in one of its own.
    pub(crate) fn changed(
        &mut self,
        job: i64,
        at: i64,
        state: State,
        attempt: u32,
    ) -> rusqlite::Result<()> {
        if self.memo.presence.is_alone() {
            return Ok(());
        }
        let of = (job, at, state_code(state), attempt, self.handle());
        self.hot.execute(Hot::InsertChange, of)?;
        self.add_changes(1);
        Ok(())
    }

    fn add_changes(&mut self, count: i64) {
        self.changes.count += count;
        self.changes.last = self.connection.last_insert_rowid();
    }

    /// Ends a session that is gone, and tells of what it ran.
    pub(crate) fn bury(&mut self, session: i64, beat: Option<i64>) -> rusqlite::Result<()> {
        self.settle_blocks()?;
        let buried = self.memo.presence.bury(self.connection, session, beat)?;
        if let Some(jobs) = buried.filter(|jobs| *jobs > 0) {
            self.add_changes(jobs as i64);
        }
        Ok(())
    }

    /// Says that our session lives.
    pub(crate) fn beat(&mut self) -> rusqlite::Result<()> {
        let session = self.memo.presence.session();
        self.statement(sql::BEAT)?.execute([session])?;
        Ok(())
    }

    /// Forgets old changes, a few at a time.
    fn forget_changes(&self) -> rusqlite::Result<()> {
        let Changes { count, last } = self.changes;
        if count > 0 && last / FORGET != (last - count) / FORGET {
            let mut delete = self.statement(sql::DELETE_OLD_CHANGES)?;
            delete.execute([last - KEPT_CHANGES])?;
        }
        Ok(())
    }

    /// How many changes were added.
    pub(crate) fn added_changes(&self) -> i64 {
        self.changes.count
    }

    /// Writes what was counted. A spec is new only in the transaction that also counts its use, so
    /// that none is taken away while it is on its way to be used.
    pub(crate) fn settle(&mut self) -> rusqlite::Result<()> {
        if let Some((first, last)) = self.sequence.take().filter(|(first, last)| first != last) {
            debug_assert!(first < last);
            self.statement(sql::SET_LAST_SEQUENCE)?
                .execute([stored(last)])?;
        }
        let changes = std::mem::take(&mut self.tally).into_iter().enumerate();
        for (state, change) in changes.filter(|(_, by)| *by != 0) {
            let mut add = self.statement(sql::ADD_TO_TALLY)?;
            add.execute((state as i64, change))?;
        }
        for (spec, change) in self.uses.drain().filter(|(_, by)| *by != 0) {
            let mut add = self.connection.prepare_cached(sql::ADD_TO_SPEC)?;
            add.execute((spec, change))?;
        }
        self.settle_blocks()?;
        self.forget_changes()
    }
}

/// Reads the spec of a number.
pub(crate) fn load_spec(connection: &Connection, id: i64) -> rusqlite::Result<Arc<Spec>> {
    let mut statement = connection.prepare_cached(sql::SPEC_BY_ID)?;
    let spec = statement.query_row([id], |row| declared::spec(row.get_ref(0)?.as_str()?))?;
    Ok(Arc::new(spec))
}
