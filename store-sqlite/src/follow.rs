//! Following the store: what has not ended, and then what others change.

use std::collections::HashSet;

use bursar_core::{Followed, Position, Standing};
use rusqlite::Row;

use crate::codes::{read, state_of, stored};
use crate::error::Outcome;
use crate::read::Reading;
use crate::sql;
use crate::submit::id;

impl Reading<'_> {
    /// Unfinished jobs after `after`, without those that were submitted here.
    pub(crate) fn unfinished(&mut self, after: u64, limit: usize) -> Outcome<Followed> {
        let limit = limit.max(1);
        if after == 0 && self.here.known() == 0 {
            self.here.begin_again(self.last_change()?);
        }
        let mut statement = self.connection.prepare_cached(sql::BACKLOG)?;
        let mut rows = statement.query((
            stored(after),
            self.here.known(),
            stored(limit as u64),
            stored(self.here.latest()),
        ))?;
        let mut jobs = Vec::new();
        while let Some(row) = rows.next()? {
            jobs.push(self.standing(row)?);
        }
        let last = jobs.last().map(|job: &Standing| job.sequence);
        let next = last.filter(|_| jobs.len() >= limit);
        let changed = Position::Changed(read(self.here.began()));
        Ok(Followed {
            jobs,
            gone: Vec::new(),
            next: next.map_or(changed, Position::Unfinished),
            gap: false,
        })
    }

    /// What others have changed since the change with the number `after`: nothing, most often.
    pub(crate) fn changes(&mut self, after: i64, limit: usize) -> Outcome<Followed> {
        let mut first = self.connection.prepare_cached(sql::FIRST_CHANGE)?;
        let first: Option<i64> = first.query_row([], |row| row.get(0))?;
        if first.is_some_and(|first| first > after.saturating_add(1)) {
            return self.lost_track();
        }
        let (changed, last) = self.changed(after, limit.max(1))?;
        let (mut jobs, mut gone) = (Vec::with_capacity(changed.len()), Vec::new());
        for job in changed {
            let mut statement = self.connection.prepare_cached(sql::STANDS)?;
            let mut rows = statement.query((job, stored(self.here.latest())))?;
            match rows.next()? {
                Some(row) => jobs.push(self.standing(row)?),
                None => gone.push(read(job)),
            }
        }
        let next = Position::Changed(read(last));
        Ok(Followed {
            jobs,
            gone,
            next,
            gap: false,
        })
    }

    fn lost_track(&self) -> Outcome<Followed> {
        self.here.begin_again(self.last_change()?);
        Ok(Followed {
            jobs: Vec::new(),
            gone: Vec::new(),
            next: Position::Unfinished(0),
            gap: true,
        })
    }

    /// The jobs that were changed, each once, and the number of the last change among those.
    fn changed(&self, after: i64, limit: usize) -> rusqlite::Result<(Vec<i64>, i64)> {
        let mut statement = self.connection.prepare_cached(sql::CHANGES)?;
        let mut rows = statement.query((after, self.here.handle))?;
        let (mut jobs, mut known, mut last) = (Vec::new(), HashSet::new(), after);
        while let Some(row) = rows.next()? {
            let job = row.get(1)?;
            if known.insert(job) {
                if jobs.len() == limit {
                    return Ok((jobs, last));
                }
                jobs.push(job);
            }
            last = row.get(0)?;
        }
        Ok((jobs, self.last_change()?.max(after)))
    }

    fn last_change(&self) -> rusqlite::Result<i64> {
        let mut statement = self.connection.prepare_cached(sql::LAST_CHANGE)?;
        let last: Option<i64> = statement.query_row([], |row| row.get(0))?;
        Ok(last.unwrap_or(0))
    }

    fn standing(&mut self, row: &Row<'_>) -> rusqlite::Result<Standing> {
        let sequence = read(row.get(0)?);
        Ok(Standing {
            id: id(row.get(3)?, sequence, row.get(4)?),
            sequence,
            spec: self.library.spec(self.connection, row.get(1)?)?,
            state: state_of(row.get(2)?)?,
            attempt: row.get(5)?,
            // The planted bug joins the sessions to look for those that are gone, and so finds none.
            orphaned: row.get(6)? && !cfg!(bursar_plant = "orphan_inner_join"),
            losses: row.get(7)?,
            stop: row.get_ref(8)?.as_str_or_null()?.map(Into::into),
        })
    }
}
