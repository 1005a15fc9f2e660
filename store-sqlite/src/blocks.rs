//! Which jobs have not ended, who runs them, and when the others are to be forgotten, counted for each
//! block of 64 that follow one another. Jobs that come and go together share what is written of them
//! here, where an index would have an entry for each; within a block the jobs themselves are looked at.

use std::collections::BTreeMap;

use crate::books::Books;
use crate::sql;

/// The block of a job.
pub(crate) fn block_of(job: i64) -> i64 {
    job / 64
}

/// What changed in a block.
#[derive(Debug, Default)]
struct Change {
    unfinished: i64,
    /// When the first of those that have ended in this transaction is to be forgotten.
    forget: Option<i64>,
    /// Jobs were removed: the next one to be forgotten is looked for.
    fewer: bool,
}

/// What changed in this transaction, and is written at its end.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    changes: BTreeMap<i64, Change>,
    /// By worker and block.
    running: BTreeMap<(i64, i64), i64>,
}

impl Blocks {
    fn change(&mut self, job: i64) -> &mut Change {
        self.changes.entry(block_of(job)).or_default()
    }

    /// A job is new.
    pub(crate) fn came(&mut self, job: i64) {
        self.change(job).unfinished += 1;
    }

    /// Jobs of one block have ended; the first of the block that is to be forgotten is so at `forget`.
    pub(crate) fn ended(&mut self, job: i64, jobs: i64, forget: Option<i64>) {
        let change = self.change(job);
        change.unfinished -= jobs;
        change.forget = change.forget.into_iter().chain(forget).min();
    }

    /// A job that had ended is gone.
    pub(crate) fn left(&mut self, job: i64) {
        self.change(job).fewer = true;
    }

    /// So many more jobs of the block of `job` are run by `worker`, or fewer.
    pub(crate) fn run(&mut self, worker: i64, job: i64, jobs: i64) {
        *self.running.entry((worker, block_of(job))).or_default() += jobs;
    }
}

impl Books<'_> {
    /// Writes what has changed in blocks, so that they can be read.
    pub(crate) fn settle_blocks(&mut self) -> rusqlite::Result<()> {
        let Blocks { changes, running } = std::mem::take(&mut self.blocks);
        for (block, change) in changes {
            self.write_block(block, &change)?;
        }
        for ((worker, block), by) in running.into_iter().filter(|(_, by)| *by != 0) {
            self.write_running(worker, block, by)?;
        }
        Ok(())
    }

    fn write_block(&self, block: i64, change: &Change) -> rusqlite::Result<()> {
        if change.unfinished != 0 || change.forget.is_some() {
            let row = (block, change.unfinished, change.forget);
            if self.statement(sql::ADD_TO_BLOCK)?.execute(row)? == 0 {
                self.statement(sql::INSERT_BLOCK)?.execute(row)?;
            }
        }
        if change.fewer {
            self.statement(sql::LOOK_AT_BLOCK)?.execute([block])?;
            self.statement(sql::DELETE_EMPTY_BLOCK)?.execute([block])?;
        }
        Ok(())
    }

    fn write_running(&self, worker: i64, block: i64, by: i64) -> rusqlite::Result<()> {
        let row = (worker, block, by);
        if self.statement(sql::ADD_TO_RUNNING)?.execute(row)? == 0 {
            self.statement(sql::INSERT_RUNNING)?.execute(row)?;
        } else if by < 0 {
            let mut delete = self.statement(sql::DELETE_IDLE_RUNNING)?;
            delete.execute((worker, block))?;
        }
        Ok(())
    }
}
