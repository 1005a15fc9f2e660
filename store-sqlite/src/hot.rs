//! Statements that one transaction may carry out for thousands of jobs: taken from the connection's cache
//! once, and given back at its end.

use std::fmt;

use rusqlite::{CachedStatement, Connection, Params, Row};

use crate::sql;

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hot {
    InsertJob,
    Claimable,
    Claim,
    FinishEnd,
    LeftBehind,
    InsertChange,
}

const TEXTS: [&str; 6] = [
    sql::INSERT_JOB,
    sql::CLAIMABLE,
    sql::CLAIM,
    sql::FINISH_END,
    sql::LEFT_BEHIND,
    sql::INSERT_CHANGE,
];

/// Those that were used in this transaction.
pub(crate) struct HotStatements<'c> {
    connection: &'c Connection,
    held: [Option<CachedStatement<'c>>; TEXTS.len()],
}

impl fmt::Debug for HotStatements<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HotStatements").finish_non_exhaustive()
    }
}

impl<'c> HotStatements<'c> {
    pub(crate) fn new(connection: &'c Connection) -> Self {
        Self {
            connection,
            held: Default::default(),
        }
    }

    fn get(&mut self, which: Hot) -> rusqlite::Result<&mut CachedStatement<'c>> {
        let held = &mut self.held[which as usize];
        if held.is_none() {
            *held = Some(self.connection.prepare_cached(TEXTS[which as usize])?);
        }
        held.as_mut().ok_or(rusqlite::Error::InvalidQuery)
    }

    /// Carries one out; how many rows it has changed.
    pub(crate) fn execute(&mut self, which: Hot, of: impl Params) -> rusqlite::Result<usize> {
        self.get(which)?.execute(of)
    }

    /// The one row that it gives.
    pub(crate) fn row<T>(
        &mut self,
        which: Hot,
        of: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.get(which)?.query_row(of, read)
    }
}
