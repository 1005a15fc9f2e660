//! The records of a memory store and the indexes over them, all under one lock.

use std::collections::HashMap;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::id::JobId;
use crate::seq_map::SeqMap;
use crate::state::State;
use crate::store::Tally;

use super::MemoryOptions;
use super::record::{Record, Trash};
use super::retention::{Ages, Retention};
use super::timetable::Timetable;

/// Everything that a memory store knows.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) options: MemoryOptions,
    pub(super) records: SeqMap<Record>,
    pub(super) tally: Tally,
    pub(super) unique: HashMap<Arc<str>, u64>,
    /// When scheduled and retrying jobs are due.
    pub(super) due: Timetable,
    /// By when jobs that haven't started must have.
    pub(super) expiry: Timetable,
    /// When ended jobs with a `result_ttl` of their own are forgotten.
    pub(super) forgetting: Timetable,
    /// When all other ended jobs are.
    pub(super) ages: Ages,
    /// Completed and cancelled jobs.
    pub(super) ended: Retention,
    /// Failed jobs: kept apart, so that a flood of results doesn't wash them away.
    pub(super) dead_letters: Retention,
    pub(super) workers: Vec<Arc<str>>,
    pub(super) closed: bool,
}

impl Books {
    pub(super) fn new(options: MemoryOptions) -> Self {
        Self {
            options,
            records: SeqMap::default(),
            tally: Tally::default(),
            unique: HashMap::new(),
            due: Timetable::default(),
            expiry: Timetable::default(),
            forgetting: Timetable::default(),
            ages: Ages::default(),
            ended: Retention::default(),
            dead_letters: Retention::default(),
            workers: Vec::new(),
            closed: false,
        }
    }

    /// Takes every record out, for the caller to drop.
    pub(super) fn empty(&mut self) -> SeqMap<Record> {
        self.unique.clear();
        self.tally = Tally::default();
        std::mem::take(&mut self.records)
    }

    /// The sequence number of the job with this id.
    pub(super) fn find(&self, id: JobId) -> Option<u64> {
        // An id holds the low 42 bits of the sequence, and no store lives to see more.
        let sequence = id.counter();
        self.records
            .get(sequence)
            .filter(|record| record.id == id)
            .map(|_| sequence)
    }

    /// Moves a record from its state to `next`.
    pub(super) fn set_state(tally: &mut Tally, record: &mut Record, next: State) {
        debug_assert!(record.state.may_become(next), "{} -> {next}", record.state);
        tally.0[record.state as usize] -= 1;
        tally.0[next as usize] += 1;
        record.state = next;
    }

    /// The number of the worker with this name.
    pub(super) fn worker(&mut self, name: &Arc<str>) -> u16 {
        let known = self.workers.iter().position(|known| known == name);
        let number = known.unwrap_or_else(|| {
            self.workers.push(Arc::clone(name));
            self.workers.len() - 1
        });
        u16::try_from(number).unwrap_or(u16::MAX)
    }

    /// Which ended jobs of `state` are kept, and what tells the newest use of one.
    pub(super) fn retention(
        &mut self,
        state: State,
    ) -> (&mut Retention, impl Fn(u64) -> Option<u32>) {
        let records = &self.records;
        let retention = if state == State::Failed {
            &mut self.dead_letters
        } else {
            &mut self.ended
        };
        let stamp_of = |sequence| records.get(sequence).map(|record| record.use_stamp);
        (retention, stamp_of)
    }

    /// Begins to keep a record that has ended.
    pub(super) fn keep(&mut self, sequence: u64) {
        let Some(record) = self.records.get(sequence) else {
            return;
        };
        let (state, stamp, at) = (record.state, record.use_stamp, self.forgotten_at(record));
        let own_ttl = record.spec.result_ttl.is_some();
        let (retention, stamp_of) = self.retention(state);
        retention.keep(sequence, stamp, stamp_of);
        if own_ttl {
            self.forgetting.add(at, sequence);
        } else {
            let kept = self.ended.kept() + self.dead_letters.kept();
            let records = &self.records;
            self.ages
                .add(at, sequence, kept, |other| records.get(other).is_some());
        }
    }

    /// The ended job that is forgotten first, and when; what is gone already goes from the list.
    pub(super) fn first_forgotten(&mut self) -> Option<(Timestamp, u64)> {
        let records = &self.records;
        let usual = self.ages.first(|sequence| records.get(sequence).is_some());
        usual.into_iter().chain(self.forgetting.first()).min()
    }

    /// When an ended record is forgotten.
    pub(super) fn forgotten_at(&self, record: &Record) -> Timestamp {
        record
            .finished
            .after(record.spec.result_ttl.unwrap_or(self.options.result_ttl))
    }

    /// Removes an ended record from everything.
    pub(super) fn remove_ended(&mut self, sequence: u64, trash: &mut Trash) {
        let Some(record) = self.records.remove(sequence) else {
            return;
        };
        self.tally.0[record.state as usize] -= 1;
        self.retention(record.state).0.forget();
        if record.spec.result_ttl.is_some() {
            let at = self.forgotten_at(&record);
            self.forgetting.remove(at, sequence);
        } else {
            self.ages.drop_first(sequence);
        }
        trash.records.push(record);
    }
}
