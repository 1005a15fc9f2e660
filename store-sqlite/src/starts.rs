//! Jobs that begin with their submit. Where their transaction failed nobody runs them, and yet it may
//! be in the file: a log whose sync failed is whole all the same where the system had written it, and
//! is found by whoever opens the file next. So the next transaction gives back what began in it.

use bursar_core::{OutcomeKind, State};

use crate::books::Books;
use crate::codes::{outcome_code, stored};
use crate::sql;

/// What began, as the writer knows it.
#[derive(Debug, Default)]
pub(crate) struct Starts {
    /// The first job that began in this transaction.
    first: Option<u64>,
    /// The first that may have begun though its transaction failed. Whatever of our session runs
    /// from there on was begun by that one: no later one has succeeded.
    doubtful: Option<u64>,
}

impl Starts {
    /// A job began; numbers only grow.
    pub(crate) fn note(&mut self, sequence: u64) {
        self.first.get_or_insert(sequence);
    }

    /// The transaction is in the file.
    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// The transaction failed.
    pub(crate) fn failed(&mut self) {
        let first = self.first.take();
        self.doubtful = self.doubtful.or(first);
    }
}

impl Books<'_> {
    /// Queues what may have begun in transactions that failed.
    pub(crate) fn give_back_doubtful(&mut self) -> rusqlite::Result<()> {
        let Some(first) = self.starts().doubtful else {
            return Ok(());
        };
        let released = outcome_code(OutcomeKind::Released);
        let given_back: Vec<(i64, u32, i64, i64)> = {
            let mut statement = self.statement(sql::GIVE_BACK)?;
            let of = (self.session(), stored(first), released);
            let rows = statement.query_map(of, |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?;
            rows.collect::<rusqlite::Result<_>>()?
        };
        for (job, attempt, at, worker) in given_back {
            self.blocks.run(worker, job, -1);
            self.moved(State::Running, State::Queued);
            self.changed(job, at, State::Queued, attempt)?;
        }
        Ok(())
    }
}
