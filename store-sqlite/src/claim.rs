use std::ops::RangeInclusive;
use std::sync::Arc;

use bursar_core::{Claim, Claimed, Payload, State};
use rusqlite::OptionalExtension;

use crate::books::Books;
use crate::codes::stored;
use crate::error::Outcome;
use crate::hot::Hot;
use crate::payload;
use crate::sql;
use crate::submit::micros;

/// Who claims, and when.
struct Claimant<'a> {
    name: &'a Arc<str>,
    now: i64,
}

impl Books<'_> {
    pub(crate) fn claim(&mut self, request: &Claim) -> Outcome<Vec<Claimed>> {
        let claimant = Claimant {
            name: &request.worker,
            now: micros(request.now),
        };
        let mut claimed = Vec::with_capacity(request.jobs.len());
        for run in runs(&request.jobs) {
            let alone = run.start() == run.end();
            if alone || !self.claim_run(&run, &claimant, &mut claimed)? {
                for sequence in run {
                    claimed.extend(self.claim_one(sequence, &claimant)?);
                }
            }
        }
        Ok(claimed)
    }

    /// Claims jobs that follow one another, where each is to have its first attempt: a backlog is worked
    /// off in such runs, and two statements serve all of one. `false` where they are not all like that.
    fn claim_run(
        &mut self,
        run: &RangeInclusive<u64>,
        claimant: &Claimant<'_>,
        claimed: &mut Vec<Claimed>,
    ) -> Outcome<bool> {
        let (first, last) = (*run.start(), *run.end());
        let (from, to) = (stored(first), stored(last));
        let before = claimed.len();
        {
            let mut statement = self.statement(sql::CLAIMABLE_RUN)?;
            let args = statement.query_map((from, to), |row| payload::read(row, 0))?;
            for (sequence, args) in run.clone().zip(args) {
                claimed.push(first_attempt(sequence, args?));
            }
        }
        let found = (claimed.len() - before) as u64;
        if found <= last - first {
            claimed.truncate(before);
            return Ok(false);
        }
        let worker = self.worker_id(claimant.name)?;
        let mut statement = self.statement(sql::CLAIM_RUN)?;
        statement.execute((from, to, worker, claimant.now))?;
        drop(statement);
        for sequence in run.clone() {
            self.claimed(stored(sequence), 1, worker, claimant.now)?;
        }
        Ok(true)
    }

    fn claim_one(&mut self, sequence: u64, claimant: &Claimant<'_>) -> Outcome<Option<Claimed>> {
        let now = claimant.now;
        let Some(mut job) = self.claimable(sequence, now)? else {
            return Ok(None);
        };
        if job.attempt > 1 {
            self.archive(sequence)?;
            job.checkpoint = self.checkpoint(sequence)?;
        }
        let worker = self.worker_id(claimant.name)?;
        self.hot
            .execute(Hot::Claim, (stored(sequence), worker, now))?;
        self.claimed(stored(sequence), job.attempt, worker, now)?;
        Ok(Some(job))
    }

    /// The next attempt of a job that may be claimed.
    fn claimable(&mut self, sequence: u64, now: i64) -> rusqlite::Result<Option<Claimed>> {
        let of = (stored(sequence), now);
        let found = self.hot.row(Hot::Claimable, of, |row| {
            Ok(Claimed {
                attempt: row.get::<_, u32>(0)? + 1,
                failures: row.get(1)?,
                ..first_attempt(sequence, payload::read(row, 2)?)
            })
        });
        found.optional()
    }

    /// Counts a claim, and tells of it.
    fn claimed(&mut self, job: i64, attempt: u32, worker: i64, now: i64) -> rusqlite::Result<()> {
        self.moved(State::Queued, State::Running);
        self.begun(job, worker);
        self.changed(job, now, State::Running, attempt)
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

fn first_attempt(sequence: u64, args: Payload) -> Claimed {
    Claimed {
        sequence,
        attempt: 1,
        failures: 0,
        args,
        checkpoint: None,
    }
}

/// Numbers that follow one another, in the order in which they are given.
fn runs(jobs: &[u64]) -> impl Iterator<Item = RangeInclusive<u64>> {
    let follow = |one: &u64, next: &u64| one.checked_add(1) == Some(*next);
    jobs.chunk_by(follow)
        .filter_map(|run| Some(*run.first()?..=*run.last()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_as_long_as_they_can_be() {
        let found = |jobs: &[u64]| runs(jobs).collect::<Vec<_>>();
        assert_eq!(found(&[]), []);
        assert_eq!(found(&[4, 5, 6, 9, 3, 4]), [4..=6, 9..=9, 3..=4]);
        let last = u64::MAX;
        assert_eq!(
            found(&[7, 7, last - 1, last]),
            [7..=7, 7..=7, last - 1..=last]
        );
    }
}
