use bursar_core::{Claim, Claimed, Payload, State};
use rusqlite::OptionalExtension;

use crate::books::Books;
use crate::codes::stored;
use crate::error::Outcome;
use crate::payload;
use crate::sql;
use crate::submit::micros;

impl Books<'_> {
    pub(crate) fn claim(&mut self, request: &Claim) -> Outcome<Vec<Claimed>> {
        let now = micros(request.now);
        let mut claimed = Vec::with_capacity(request.jobs.len());
        let mut worker = None;
        for sequence in &request.jobs {
            let Some(job) = self.claimable(*sequence, now)? else {
                continue;
            };
            let worker = match worker {
                Some(worker) => worker,
                None => *worker.insert(self.worker_id(&request.worker)?),
            };
            claimed.push(self.start(job, worker, now)?);
        }
        Ok(claimed)
    }

    /// The next attempt of a job that may be claimed.
    fn claimable(&self, sequence: u64, now: i64) -> rusqlite::Result<Option<Claimed>> {
        let mut statement = self.statement(sql::CLAIMABLE)?;
        let found = statement.query_row((stored(sequence), now), |row| {
            Ok(Claimed {
                sequence,
                attempt: row.get::<_, u32>(0)? + 1,
                failures: row.get(1)?,
                args: payload::read(row, 2)?,
                checkpoint: None,
            })
        });
        found.optional()
    }

    fn start(&mut self, mut job: Claimed, worker: i64, now: i64) -> rusqlite::Result<Claimed> {
        if job.attempt > 1 {
            self.archive(job.sequence)?;
            job.checkpoint = self.checkpoint(job.sequence)?;
        }
        let mut statement = self.statement(sql::CLAIM)?;
        statement.execute((stored(job.sequence), worker, now))?;
        drop(statement);
        self.moved(State::Queued, State::Running);
        self.changed(stored(job.sequence), now, State::Running, job.attempt)?;
        self.note_claim();
        Ok(job)
    }

    /// Keeps the newest attempt of a job as an earlier one.
    pub(crate) fn archive(&self, sequence: u64) -> rusqlite::Result<()> {
        let mut statement = self.statement(sql::ARCHIVE_ATTEMPT)?;
        statement.execute([stored(sequence)])?;
        Ok(())
    }

    fn checkpoint(&self, sequence: u64) -> rusqlite::Result<Option<Payload>> {
        let mut statement = self.statement(sql::CHECKPOINT)?;
        let read = statement.query_row([stored(sequence)], |row| payload::read(row, 0));
        read.optional()
    }
}
