//! What reads one job, and numbers of jobs.

use bursar_core::{Backlog, Get, JobInfo, LeftOver, LeftOvers, State, Tally};
use rusqlite::{Connection, Row};

use crate::codes::{read, state_of, stored};
use crate::error::Outcome;
use crate::open::Found;
use crate::row::{self, Library};
use crate::sql;
use crate::submit::id;

/// A read transaction: everything that is read in it is of one moment.
#[derive(Debug)]
pub(crate) struct Reading<'c> {
    pub(crate) connection: &'c Connection,
    pub(crate) library: &'c mut Library,
}

impl Reading<'_> {
    /// An ended job is there only until it is due to be forgotten.
    pub(crate) fn get(&mut self, request: &Get) -> Outcome<Option<JobInfo>> {
        let sequence = request.id.counter();
        let mut statement = self.connection.prepare_cached(sql::GET)?;
        let mut rows = statement.query([stored(sequence)])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let (mut info, forget) = row::job(self.connection, self.library, row)?;
        if info.id != request.id || forget.is_some_and(|at| at <= request.now) {
            return Ok(None);
        }
        if request.logs {
            info.logs = row::logs(self.connection, sequence)?;
        }
        Ok(Some(info))
    }

    /// Unfinished jobs up to where the store ended when it was opened.
    pub(crate) fn backlog(&mut self, request: &Backlog, found: Found) -> Outcome<LeftOvers> {
        let mut statement = self.connection.prepare_cached(sql::BACKLOG)?;
        let bounds = (
            stored(request.after),
            found.sequence,
            stored(request.limit as u64),
        );
        let mut rows = statement.query(bounds)?;
        let mut jobs = Vec::new();
        while let Some(row) = rows.next()? {
            jobs.push(self.left_over(row, found)?);
        }
        let last = jobs.last().map(|job: &LeftOver| job.sequence);
        let next = last.filter(|_| jobs.len() >= request.limit);
        Ok(LeftOvers { jobs, next })
    }

    fn left_over(&mut self, row: &Row<'_>, found: Found) -> rusqlite::Result<LeftOver> {
        let sequence = read(row.get(0)?);
        let state = state_of(row.get(2)?)?;
        let worker: Option<i64> = row.get(6)?;
        let gone = worker.is_some_and(|worker| worker <= found.gone);
        Ok(LeftOver {
            id: id(row.get(3)?, sequence, row.get(4)?),
            sequence,
            spec: self.library.spec(self.connection, row.get(1)?)?,
            state,
            attempt: row.get(5)?,
            orphaned: gone && state == State::Running,
        })
    }

    pub(crate) fn tally(&self) -> Outcome<Tally> {
        let mut statement = self.connection.prepare_cached(sql::TALLY)?;
        let rows =
            statement.query_map([], |row| Ok((state_of(row.get(0)?)?, read(row.get(1)?))))?;
        let mut tally = Tally([0; State::ALL.len()]);
        for row in rows {
            let (state, jobs) = row?;
            tally.0[state as usize] = jobs;
        }
        Ok(tally)
    }
}
