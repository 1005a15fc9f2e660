//! Jobs that end together and alike: one statement for those of a block, as a backlog of small jobs is
//! worked off.

use bursar_core::{Next, State};
use rusqlite::params;

use crate::blocks::block_of;
use crate::books::Books;
use crate::finish::Ended;
use crate::sql;

impl Ended<'_> {
    /// Whether the end of a first attempt, and that of a later job of the same block, are written alike.
    pub(crate) fn goes_with(&self, next: &Self) -> bool {
        self.is_plain()
            && next.is_plain()
            && block_of(self.sequence) == block_of(next.sequence)
            && self.sequence < next.sequence
            && (self.outcome, self.result) == (next.outcome, next.result)
    }

    fn is_plain(&self) -> bool {
        let completed = self.next == Next::End(State::Completed);
        let gave_files = self.end.files().next().is_some() || !self.end.outputs.is_empty();
        completed && self.attempt == 1 && self.detail.is_none() && !gave_files
    }
}

impl Books<'_> {
    /// Ends jobs of one block that go together. `false`, and nothing is changed, where any of them is
    /// not run by our worker as its first attempt.
    pub(crate) fn finish_run(&mut self, run: &[Ended<'_>], now: i64) -> rusqlite::Result<bool> {
        let ([first, .., last], Some(worker)) = (run, self.last_worker()) else {
            return Ok(false);
        };
        let (from, to, jobs) = (first.sequence, last.sequence, run.len());
        self.statement(sql::SAVEPOINT)?.execute([])?;
        let changed = self.statement(sql::FINISH_RUN)?.execute(params![
            from,
            to,
            mask(run),
            worker,
            now,
            self.result_ttl,
            first.outcome,
            first.result.0,
            first.result.1,
        ])?;
        if changed < jobs {
            self.statement(sql::UNDO)?.execute([])?;
        }
        self.statement(sql::RELEASE)?.execute([])?;
        if changed < jobs {
            return Ok(false);
        }
        let mut forget = self.statement(sql::FIRST_FORGET)?;
        let forget = forget.query_row([from, to], |row| row.get(0))?;
        let jobs = jobs as i64;
        self.blocks.ended(from, jobs, forget);
        self.blocks.run(worker, from, -jobs);
        self.moved_many(State::Running, State::Completed, jobs);
        for ended in run {
            self.changed(ended.sequence, now, State::Completed, 1)?;
        }
        Ok(true)
    }
}

/// A bit for each job of a run, by its place in the block.
fn mask(run: &[Ended<'_>]) -> i64 {
    let bits = run.iter().map(|ended| 1_u64 << (ended.sequence % 64));
    bits.fold(0, |mask, bit| mask | bit).cast_signed()
}
