use bursar_core::{Cursor, Get, JobFilter, JobInfo, List, Listed, Order, Tally};

use super::Model;

impl Model {
    /// What the reply must be.
    pub fn get(&mut self, request: Get) -> Option<JobInfo> {
        let forgotten = self
            .jobs()
            .find(|info| info.id == request.id)
            .and_then(|info| self.forgotten_at(info));
        if forgotten.is_some_and(|at| at <= request.now) {
            return None;
        }
        self.uses += 1;
        let uses = self.uses;
        let entry = self.by_id(request.id)?;
        entry.used = uses;
        let mut info = entry.info.clone();
        if !request.logs {
            info.logs.clear();
        }
        Some(info)
    }

    /// What the reply must be.
    #[must_use]
    pub fn list(&self, request: &List) -> Listed {
        let mut matching: Vec<JobInfo> = self
            .jobs()
            .filter(|info| matches(info, &request.filter))
            .cloned()
            .collect();
        if request.order == Order::Newest {
            matching.reverse();
        }
        let passed = |info: &JobInfo| match request.after {
            None => false,
            Some(Cursor(id)) if request.order == Order::Oldest => info.id <= id,
            Some(Cursor(id)) => info.id >= id,
        };
        matching.retain(|info| !passed(info));
        matching.drain(..request.offset.min(matching.len()));
        let more = matching.len() > request.limit;
        matching.truncate(request.limit);
        matching.iter_mut().for_each(|info| info.logs.clear());
        Listed {
            next: matching.last().filter(|_| more).map(|info| Cursor(info.id)),
            jobs: matching,
        }
    }

    /// What the reply must be.
    #[must_use]
    pub fn count(&self, filter: &JobFilter) -> u64 {
        self.jobs().filter(|info| matches(info, filter)).count() as u64
    }

    /// What the reply must be.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        self.jobs()
            .for_each(|info| tally.0[info.state as usize] += 1);
        tally
    }
}

fn matches(info: &JobInfo, filter: &JobFilter) -> bool {
    let state = filter.states.is_empty() || filter.states.contains(&info.state);
    let task = filter.task.is_none() || filter.task.as_ref() == Some(&info.spec.task);
    let priority = filter.priority.is_none() || filter.priority == Some(info.spec.priority);
    let unique = filter.unique.is_none() || filter.unique == info.unique;
    state && task && priority && unique
}
