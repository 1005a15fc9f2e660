//! New jobs on their way into the books. Whoever submits leaves them here and need not wait for
//! the lock of the books; whoever takes that lock takes them in first.

use fastrand::Rng;

use crate::clock::Timestamp;
use crate::id::JobId;
use crate::inbox::Inbox;
use crate::job::NewJob;
use crate::store::Submitted;

use super::record::Record;

/// How many wait here before a submitter takes them in itself.
const MOST: usize = 1_024;

/// The jobs that no one has taken in yet, and what tells jobs apart.
#[derive(Debug)]
pub(super) struct Arrivals {
    pub(super) inbox: Inbox<(u64, Record)>,
    pub(super) closed: bool,
    last_sequence: u64,
    random: Rng,
}

impl Arrivals {
    pub(super) fn new(seed: Option<u64>) -> Self {
        Self {
            inbox: Inbox::default(),
            closed: false,
            last_sequence: 0,
            random: seed.map_or_else(Rng::new, Rng::with_seed),
        }
    }

    /// The next sequence number and an id for it.
    pub(super) fn next_id(&mut self, now: Timestamp) -> (u64, JobId) {
        self.last_sequence += 1;
        (
            self.last_sequence,
            JobId::new(now, self.last_sequence, self.random.u32(..)),
        )
    }

    /// Leaves a job without a unique key: it needs no look at the others.
    pub(super) fn leave(&mut self, job: NewJob, now: Timestamp) -> Submitted {
        let (sequence, id) = self.next_id(now);
        let record = Record::new(id, job, now);
        let submitted = record.submitted(sequence, false);
        self.inbox.push((sequence, record));
        submitted
    }

    /// Whether somebody should take them in.
    pub(super) fn is_full(&self) -> bool {
        self.inbox.len() >= MOST
    }
}
