//! What reads jobs.

use crate::clock::Timestamp;
use crate::job::{Cursor, JobFilter, JobInfo, Order};
use crate::store::{Get, List, Listed};

use super::books::Books;
use super::record::Record;

impl Books {
    /// Reading an ended job counts as a use of it.
    pub(super) fn get(&mut self, request: Get) -> Option<JobInfo> {
        let sequence = self.find(request.id)?;
        if !self.remembered(self.records.get(sequence)?, request.now) {
            return None;
        }
        self.touch(sequence);
        self.records
            .get(sequence)
            .map(|record| record.info(sequence, &self.workers, request.logs))
    }

    fn touch(&mut self, sequence: u64) {
        let Some(record) = self
            .records
            .get_mut(sequence)
            .filter(|record| record.state.is_terminal())
        else {
            return;
        };
        record.use_stamp = record.use_stamp.wrapping_add(1);
        let (state, stamp) = (record.state, record.use_stamp);
        let (retention, stamp_of) = self.retention(state);
        retention.touch(sequence, stamp, stamp_of);
    }

    /// Whether a job is still to be seen: an ended one only until it is due to be forgotten.
    fn remembered(&self, record: &Record, now: Timestamp) -> bool {
        !record.state.is_terminal() || self.forgotten_at(record) > now
    }

    pub(super) fn list(&self, request: &List) -> Listed {
        let mut matching: Vec<JobInfo> = match request.order {
            Order::Oldest => self.page(self.records.iter(), request),
            Order::Newest => self.page(self.records.iter().rev(), request),
        };
        let more = matching.len() > request.limit;
        matching.truncate(request.limit);
        let next = matching.last().filter(|_| more).map(|job| Cursor(job.id));
        Listed {
            jobs: matching,
            next,
        }
    }

    /// One job more than asked for, to know whether there is another page.
    fn page<'a>(
        &self,
        records: impl Iterator<Item = (u64, &'a Record)>,
        request: &List,
    ) -> Vec<JobInfo> {
        let after = request.after.map(|cursor| cursor.0.counter());
        records
            .filter(|(sequence, _)| {
                after.is_none_or(|after| comes_after(*sequence, after, request.order))
            })
            .filter(|(_, record)| matches(record, &request.filter))
            .skip(request.offset)
            .take(request.limit.saturating_add(1))
            .map(|(sequence, record)| record.info(sequence, &self.workers, false))
            .collect()
    }

    pub(super) fn count(&self, filter: &JobFilter) -> u64 {
        if filter.task.is_none() && filter.priority.is_none() && filter.unique.is_none() {
            return self.count_states(filter);
        }
        self.records
            .iter()
            .filter(|(_, record)| matches(record, filter))
            .count() as u64
    }

    fn count_states(&self, filter: &JobFilter) -> u64 {
        if filter.states.is_empty() {
            return self.records.len() as u64;
        }
        let mut states = filter.states.clone();
        states.sort_unstable();
        states.dedup();
        states.into_iter().map(|state| self.tally.of(state)).sum()
    }
}

fn comes_after(sequence: u64, other: u64, order: Order) -> bool {
    match order {
        Order::Oldest => sequence > other,
        Order::Newest => sequence < other,
    }
}

fn matches(record: &Record, filter: &JobFilter) -> bool {
    (filter.states.is_empty() || filter.states.contains(&record.state))
        && filter
            .task
            .as_ref()
            .is_none_or(|task| *task == record.spec.task)
        && filter
            .priority
            .is_none_or(|priority| priority == record.spec.priority)
        && filter
            .unique
            .as_ref()
            .is_none_or(|unique| Some(unique) == record.unique())
}
