use std::collections::HashMap;

use bursar_core::{Amounts, EscrowPolicy, Rank};

/// What the referee saw of a blocked head.
struct Sighting {
    demand: Amounts,
    since: u64,
    encroached: u32,
}

/// Holds the scheduler to the escrow's promise from outside, by nothing but what was
/// free, what started and when: once a job was found blocked as head, at most K starts of
/// worse rank take anything of what it needs, and none once T has gone by.
pub(crate) struct Referee {
    policy: EscrowPolicy,
    seen: HashMap<Rank, Sighting>,
}

impl Referee {
    pub(crate) fn new(policy: EscrowPolicy) -> Self {
        Self {
            policy,
            seen: HashMap::new(),
        }
    }

    /// The best-ranked job doesn't fit.
    pub(crate) fn blocked(&mut self, head: Rank, demand: &Amounts, now: u64) {
        self.seen.entry(head).or_insert_with(|| Sighting {
            demand: demand.clone(),
            since: now,
            encroached: 0,
        });
    }

    /// A job leaves the queue without starting.
    pub(crate) fn left(&mut self, rank: Rank) {
        self.seen.remove(&rank);
    }

    /// A job starts while this much is free.
    pub(crate) fn started(&mut self, rank: Rank, demand: &Amounts, free: &Amounts, now: u64) {
        self.left(rank);
        for (head, sighting) in self.seen.iter_mut().filter(|(head, _)| **head < rank) {
            if !encroaches(demand, &sighting.demand, free) {
                continue;
            }
            sighting.encroached += 1;
            assert!(
                sighting.encroached <= self.policy.passes,
                "{rank:?} is one too many past {head:?}"
            );
            assert!(
                now - sighting.since < self.policy.patience_micros,
                "{rank:?} passes {head:?} too late"
            );
        }
    }
}

/// Whether a start takes more than the surplus of anything that the head needs.
fn encroaches(demand: &Amounts, head: &Amounts, free: &Amounts) -> bool {
    (0..free.len()).any(|d| head[d] > 0 && demand[d] > free[d].saturating_sub(head[d]))
}
