//! Listing and counting jobs.

use bursar_core::{Cursor, JobFilter, JobInfo, List, Listed, Order, State};
use rusqlite::params;

use crate::codes::{read, stored};
use crate::error::Outcome;
use crate::read::Reading;
use crate::row;
use crate::sql;

/// A filter as the statements take it.
struct Filter<'a> {
    /// One bit for each state.
    states: i64,
    unique: Option<&'a str>,
    /// Whether the spec matters.
    declared: bool,
    task: Option<&'a str>,
    priority: Option<u8>,
}

impl<'a> From<&'a JobFilter> for Filter<'a> {
    fn from(filter: &'a JobFilter) -> Self {
        let all: &[State] = if filter.states.is_empty() {
            &State::ALL
        } else {
            &filter.states
        };
        let (task, priority) = (filter.task.as_deref(), filter.priority);
        Self {
            states: all.iter().fold(0, |bits, state| bits | 1 << *state as u8),
            unique: filter.unique.as_deref(),
            declared: task.is_some() || priority.is_some(),
            task,
            priority: priority.map(bursar_core::Priority::as_u8),
        }
    }
}

impl Filter<'_> {
    /// Whether only states matter: those are counted already.
    fn is_of_states(&self) -> bool {
        !self.declared && self.unique.is_none()
    }
}

impl Reading<'_> {
    pub(crate) fn list(&mut self, request: &List) -> Outcome<Listed> {
        // One job more than asked for, to know whether there is another page.
        let limit = request.limit.saturating_add(1);
        let mut jobs = self.page(request, limit)?;
        let more = jobs.len() > request.limit;
        jobs.truncate(request.limit);
        let next = jobs.last().filter(|_| more).map(|job| Cursor(job.id));
        Ok(Listed { jobs, next })
    }

    fn page(&mut self, request: &List, limit: usize) -> Outcome<Vec<JobInfo>> {
        let (statement, beginning) = match request.order {
            Order::Newest => (sql::LIST_NEWEST, i64::MAX),
            Order::Oldest => (sql::LIST_OLDEST, 0),
        };
        let after = request.after.map(|cursor| stored(cursor.0.counter()));
        let filter = Filter::from(&request.filter);
        let mut statement = self.connection.prepare_cached(statement)?;
        let mut rows = statement.query(params![
            after.unwrap_or(beginning),
            filter.states,
            filter.unique,
            filter.declared,
            filter.task,
            filter.priority,
            stored(limit as u64),
            stored(request.offset as u64),
        ])?;
        let mut jobs = Vec::new();
        while let Some(row) = rows.next()? {
            jobs.push(row::job((self.connection, self.spill), self.library, row)?.0);
        }
        Ok(jobs)
    }

    pub(crate) fn count(&self, filter: &JobFilter) -> Outcome<u64> {
        let filter = Filter::from(filter);
        if filter.is_of_states() {
            let tally = self.tally()?;
            let states = State::ALL.into_iter();
            let meant = states.filter(|state| filter.states >> *state as u8 & 1 == 1);
            return Ok(meant.map(|state| tally.of(state)).sum());
        }
        let mut statement = self.connection.prepare_cached(sql::COUNT)?;
        let count = statement.query_row(
            params![
                filter.states,
                filter.unique,
                filter.declared,
                filter.task,
                filter.priority,
            ],
            |row| row.get(0),
        )?;
        Ok(read(count))
    }
}
