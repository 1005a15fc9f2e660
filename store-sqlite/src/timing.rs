//! What time brings: jobs that are due, and jobs that were to start before now.

use bursar_core::{Expired, JobId, Promote, Promoted, Queued, State, Timestamp};

use crate::books::Books;
use crate::codes::{read, state_of, stored};
use crate::error::Outcome;
use crate::sql;
use crate::submit::{id, micros, time};

/// A job that is due.
struct Due {
    sequence: u64,
    id: JobId,
    spec: i64,
    state: State,
    attempt: u32,
}

impl Books<'_> {
    pub(crate) fn promote(&mut self, request: &Promote) -> Outcome<Promoted> {
        let expired = self.expire(request.now, request.limit)?;
        let queued = self.queue_due(request.now, request.limit - expired.len())?;
        let times = [self.first(sql::NEXT_WAKE)?, self.first(sql::NEXT_EXPIRY)?];
        Ok(Promoted {
            queued,
            expired,
            next: times.into_iter().flatten().min(),
        })
    }

    /// The earliest time that a statement finds.
    pub(crate) fn first(&self, sql: &str) -> rusqlite::Result<Option<Timestamp>> {
        let first: Option<i64> = self.statement(sql)?.query_row([], |row| row.get(0))?;
        Ok(first.map(time))
    }

    fn expire(&mut self, now: Timestamp, limit: usize) -> Outcome<Vec<Expired>> {
        let late = {
            let mut statement = self.statement(sql::EXPIRED)?;
            let rows = statement.query_map((micros(now), stored(limit as u64)), |row| {
                Ok((read(row.get(0)?), row.get(1)?, state_of(row.get(2)?)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<(u64, i64, State)>>>()?
        };
        let mut expired = Vec::with_capacity(late.len());
        for (sequence, spec, state) in late {
            let after = self.spec(spec)?.expires.unwrap_or_default();
            let job = Expired::new(sequence, after);
            self.end_waiting((sequence, state, 0), &job.outcome.end, now)?;
            expired.push(job);
        }
        Ok(expired)
    }

    fn queue_due(&mut self, now: Timestamp, limit: usize) -> Outcome<Vec<Queued>> {
        let due = self.due(now, limit)?;
        let mut queued = Vec::with_capacity(due.len());
        for job in due {
            let sequence = job.sequence;
            self.statement(sql::QUEUE)?.execute([stored(sequence)])?;
            self.moved(job.state, State::Queued);
            self.changed(stored(sequence), micros(now), State::Queued, job.attempt)?;
            let (id, spec) = (job.id, self.spec(job.spec)?);
            queued.push(Queued { id, sequence, spec });
        }
        Ok(queued)
    }

    fn due(&self, now: Timestamp, limit: usize) -> rusqlite::Result<Vec<Due>> {
        let mut statement = self.statement(sql::DUE)?;
        let rows = statement.query_map((micros(now), stored(limit as u64)), |row| {
            let sequence = read(row.get(0)?);
            Ok(Due {
                sequence,
                id: id(row.get(1)?, sequence, row.get(2)?),
                spec: row.get(3)?,
                state: state_of(row.get(4)?)?,
                attempt: row.get(5)?,
            })
        })?;
        rows.collect()
    }
}
