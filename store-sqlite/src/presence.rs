//! Who has the store open, as the writer knows it.
//!
//! Sessions come and go in transactions, and everybody looks at them in theirs, once another one has
//! written anything: so whoever finds itself alone stays so until its commit, and need not tell
//! anybody what it has changed. Whoever comes later reads the jobs themselves.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ffi};

use crate::seat::{self, Seat};
use crate::sql;

/// Our session, and those of others.
#[derive(Debug)]
pub(crate) struct Presence {
    store: PathBuf,
    /// The first session of this store. What it does is done under this number, also after it was
    /// found to be gone and began another session.
    pub(crate) handle: i64,
    /// None between two sessions.
    seat: Option<Seat>,
    others: Vec<i64>,
    bells: HashMap<i64, File>,
    /// Sessions that were found to be gone in this transaction.
    buried: Vec<i64>,
}

impl Presence {
    /// Begins the first session. Those that are gone end with it; `alone` says that all are.
    pub(crate) fn begin(
        connection: &Connection,
        store: &Path,
        alone: bool,
    ) -> rusqlite::Result<Self> {
        let mut presence = Self {
            store: store.to_owned(),
            handle: 0,
            seat: None,
            others: sessions(connection)?,
            bells: HashMap::new(),
            buried: Vec::new(),
        };
        for session in presence.others.clone() {
            if alone || seat::is_empty(store, session) {
                presence.bury(connection, session, None)?;
            }
        }
        if alone {
            seat::clear_all(store);
        }
        presence.sit_down(connection)?;
        presence.handle = presence.session();
        Ok(presence)
    }

    /// The number of our session.
    pub(crate) fn session(&self) -> i64 {
        self.seat.as_ref().map_or(0, |seat| seat.session)
    }

    /// Nobody else has the store open: nobody is to hear of what is changed.
    pub(crate) fn is_alone(&self) -> bool {
        self.others.is_empty()
    }

    /// Looks around after others have written. Where our session was found to be gone, another one
    /// begins: `true`.
    pub(crate) fn look(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        self.buried.clear();
        let own = self.session();
        self.others = sessions(connection)?;
        let before = self.others.len();
        self.others.retain(|session| *session != own);
        if self.others.len() < before {
            return Ok(false);
        }
        self.sit_down(connection)?;
        Ok(true)
    }

    fn sit_down(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        // The number may be one that a transaction which was taken back had given us.
        self.seat = None;
        let mut insert = connection.prepare_cached(sql::INSERT_SESSION)?;
        insert.execute([std::process::id()])?;
        let seat = Seat::take(&self.store, connection.last_insert_rowid());
        self.seat = Some(seat.map_err(|error| {
            let failed = ffi::Error::new(ffi::SQLITE_IOERR_LOCK);
            rusqlite::Error::SqliteFailure(failed, Some(format!("its session file: {error}")))
        })?);
        Ok(())
    }

    /// Ends a session that is gone, with its counter where it was by `beat`, and tells of the jobs
    /// that it ran. Says how many; `None` where there is no such session any more.
    pub(crate) fn bury(
        &mut self,
        connection: &Connection,
        session: i64,
        beat: Option<i64>,
    ) -> rusqlite::Result<Option<usize>> {
        let mut delete = connection.prepare_cached(sql::DELETE_SESSION)?;
        if delete.execute((session, beat))? == 0 {
            return Ok(None);
        }
        let jobs = connection
            .prepare_cached(sql::ORPHAN_JOBS)?
            .execute([session])?;
        self.others.retain(|other| *other != session);
        self.buried.push(session);
        Ok(Some(jobs))
    }

    /// Removes the files of those that were buried, once that is committed. Says whether there were
    /// any.
    pub(crate) fn clear_buried(&mut self) -> bool {
        let any = !self.buried.is_empty();
        for session in self.buried.drain(..) {
            seat::clear(&self.store, session);
        }
        any
    }

    /// Tells all others that there is something to hear.
    pub(crate) fn ring(&mut self) {
        if cfg!(bursar_plant = "lost_wake_up") {
            return;
        }
        let Self {
            store,
            others,
            bells,
            ..
        } = self;
        bells.retain(|session, _| others.contains(session));
        for session in others {
            if !bells.contains_key(session)
                && let Ok(bell) = seat::bell_of(store, *session)
            {
                bells.insert(*session, bell);
            }
            // Whoever can't be rung looks by itself, or is gone.
            let _ = bells.get(session).map(seat::ring);
        }
    }

    /// Ends our session.
    pub(crate) fn end(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let Some(seat) = self.seat.take() else {
            return Ok(());
        };
        connection.execute_batch(sql::BEGIN)?;
        self.others = sessions(connection)?;
        self.bury(connection, seat.session, None)?;
        connection.execute_batch(sql::COMMIT)?;
        seat.leave();
        self.ring();
        Ok(())
    }
}

fn sessions(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare_cached(sql::SESSIONS)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    rows.collect()
}
