use std::collections::VecDeque;

use bursar_core::{Amounts, EscrowPolicy, Rank, Scheduler};

use crate::world::DIMENSIONS;

/// What decides which queued job starts.
pub(crate) trait Policy {
    fn insert(&mut self, rank: Rank, demand: &Amounts);
    fn next(&mut self, free: &Amounts, now: u64) -> Option<Rank>;
}

/// First in, first out: while the first doesn't fit, nothing starts.
#[derive(Default)]
pub(crate) struct InOrder(VecDeque<(Rank, Amounts)>);

impl Policy for InOrder {
    fn insert(&mut self, rank: Rank, demand: &Amounts) {
        self.0.push_back((rank, demand.clone()));
    }

    fn next(&mut self, free: &Amounts, _now: u64) -> Option<Rank> {
        let (rank, demand) = self.0.front()?;
        let chosen = demand.fits_in(free.as_slice()).then_some(*rank)?;
        self.0.pop_front();
        Some(chosen)
    }
}

/// The real scheduler.
pub(crate) struct Backfill(Scheduler);

impl Backfill {
    pub(crate) fn new(policy: EscrowPolicy) -> Self {
        Self(Scheduler::new(DIMENSIONS, policy))
    }
}

impl Policy for Backfill {
    fn insert(&mut self, rank: Rank, demand: &Amounts) {
        self.0.insert(rank, demand);
    }

    fn next(&mut self, free: &Amounts, now: u64) -> Option<Rank> {
        self.0.next(free, now)
    }
}
