//! What reads one job, and numbers of jobs.

use bursar_core::{Get, JobInfo, SpillFolder, State, Tally};
use rusqlite::Connection;

use crate::codes::{read, state_of, stored};
use crate::error::Outcome;
use crate::here::Here;
use crate::outputs;
use crate::row::{self, Library};
use crate::sql;

/// A read transaction: everything that is read in it is of one moment.
#[derive(Debug)]
pub(crate) struct Reading<'c> {
    pub(crate) connection: &'c Connection,
    pub(crate) library: &'c mut Library,
    pub(crate) here: &'c Here,
    pub(crate) spill: &'c SpillFolder,
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
        let (mut info, forget) = row::job((self.connection, self.spill), self.library, row)?;
        if info.id != request.id || forget.is_some_and(|at| at <= request.now) {
            return Ok(None);
        }
        if request.logs {
            info.logs = row::logs(self.connection, sequence)?;
            for (number, output) in outputs::outputs(self.connection, self.spill, sequence)? {
                let mut attempts = info.attempts.iter_mut();
                let attempt = attempts.find(|attempt| attempt.number == number);
                attempt
                    .into_iter()
                    .for_each(|attempt| attempt.outputs.push(output.clone()));
            }
        }
        Ok(Some(info))
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
