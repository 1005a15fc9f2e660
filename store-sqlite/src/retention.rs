//! Forgetting what is past its time, a bounded number of jobs at a time.

use std::collections::BTreeSet;

use bursar_core::{Prune, Pruned, State};

use crate::books::Books;
use crate::codes::{read, state_of};
use crate::error::Outcome;
use crate::sql;
use crate::submit::micros;

/// How many specs that no job has any more are dropped in one go.
const SPECS: i64 = 1_000;

/// How many empty pages are kept for what is to come.
const SPARE_PAGES: u64 = 256;

/// A job that is to be forgotten: the first of them is the first in order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Late {
    forget: i64,
    sequence: i64,
    spec: i64,
    state: State,
}

impl Books<'_> {
    pub(crate) fn prune(&mut self, request: &Prune) -> Outcome<Pruned> {
        // What has ended in this transaction is among them.
        self.settle_blocks()?;
        let late = self.forgettable(micros(request.now), request.limit)?;
        for job in &late {
            self.remove(job.sequence, job.state, job.spec)?;
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
    /// Jobs that are to be forgotten by `now`, in their order. Blocks are taken in that of their first
    /// job, and those of their jobs that come before the first of the next block are told.
    fn forgettable(&self, now: i64, limit: usize) -> rusqlite::Result<Vec<Late>> {
        let mut statement = self.statement(sql::FORGETTABLE)?;
        let mut blocks = statement.query([now])?;
        let (mut late, mut seen) = (Vec::new(), BTreeSet::new());
        while late.len() < limit {
            let next = blocks.next()?;
            let next = next.map(|row| Ok::<_, rusqlite::Error>((row.get(0)?, row.get(1)?)));
            let next: Option<(i64, i64)> = next.transpose()?;
            let until = next.map_or(i64::MAX, |(_, forget)| forget);
            while late.len() < limit && seen.first().is_some_and(|job: &Late| job.forget < until) {
                late.extend(seen.pop_first());
            }
            let Some((block, _)) = next else { break };
            self.look_into(block, now, &mut seen)?;
        }
        Ok(late)
    }

    fn look_into(&self, block: i64, now: i64, seen: &mut BTreeSet<Late>) -> rusqlite::Result<()> {
        let mut statement = self.statement(sql::FORGETTABLE_OF_BLOCK)?;
        let mut jobs = statement.query((block, now))?;
        while let Some(row) = jobs.next()? {
            seen.insert(Late {
                sequence: row.get(0)?,
                spec: row.get(1)?,
                state: state_of(row.get(2)?)?,
                forget: row.get(3)?,
            });
        }
        Ok(())
    }

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
