//! Forgetting what is past its time, a bounded number of jobs at a time.

use bursar_core::{Prune, Pruned, State};

use crate::books::Books;
use crate::codes::{read, state_of, stored};
use crate::error::Outcome;
use crate::sql;
use crate::submit::micros;

/// How many specs that no job has any more are dropped in one go.
const SPECS: i64 = 1_000;

/// How many empty pages are kept for what is to come.
const SPARE_PAGES: u64 = 256;

impl Books<'_> {
    pub(crate) fn prune(&mut self, request: &Prune) -> Outcome<Pruned> {
        let late = {
            let mut statement = self.statement(sql::FORGETTABLE)?;
            let bounds = (micros(request.now), stored(request.limit as u64));
            let rows = statement.query_map(bounds, |row| {
                Ok((row.get(0)?, row.get(1)?, state_of(row.get(2)?)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<(i64, i64, State)>>>()?
        };
        for (sequence, spec, state) in &late {
            self.remove(*sequence, *state, *spec)?;
        }
        if !late.is_empty() {
            self.settle()?;
            self.drop_unused_specs(SPECS)?;
            self.shrink()?;
        }
        Ok(Pruned {
            removed: late.len(),
            next: self.first(sql::NEXT_FORGET)?,
        })
    }
}

impl Books<'_> {
    /// Gives pages back to the system where many are empty, a bounded number at a time.
    fn shrink(&self) -> rusqlite::Result<()> {
        let number = |sql| -> rusqlite::Result<u64> {
            let number = self.statement(sql)?.query_row([], |row| row.get(0))?;
            Ok(read(number))
        };
        let (free, all) = (number(sql::FREE_PAGES)?, number(sql::PAGES)?);
        if free > SPARE_PAGES && free > all / 4 {
            let mut vacuum = self.statement(sql::VACUUM_STEP)?;
            let mut pages = vacuum.query([])?;
            while pages.next()?.is_some() {}
        }
        Ok(())
    }
}
