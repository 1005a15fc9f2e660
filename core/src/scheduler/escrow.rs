//! What keeps a big job from starving behind small ones.

use crate::{Amounts, Rank};

/// How long lower-ranked jobs may pass a head that doesn't fit.
///
/// The head is the best-ranked queued job. Whichever limit is reached first, from then
/// on what the head needs is held in escrow for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EscrowPolicy {
    /// How many jobs may pass it. Default 64.
    pub passes: u32,
    /// How long jobs may pass it, in microseconds since it was first found blocked as
    /// head. Default 10,000,000 (10 s).
    pub patience_micros: u64,
}

impl EscrowPolicy {
    /// No job takes anything that a blocked head needs: both limits are 0.
    #[must_use]
    pub const fn strict() -> Self {
        Self {
            passes: 0,
            patience_micros: 0,
        }
    }
}

impl Default for EscrowPolicy {
    fn default() -> Self {
        Self {
            passes: 64,
            patience_micros: 10_000_000,
        }
    }
}

/// The blocked head and what has happened to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EscrowView<'a> {
    /// The head's rank.
    pub rank: Rank,
    /// What it needs.
    pub demand: &'a Amounts,
    /// How many lower-ranked jobs have passed it; counts no further once it is held.
    pub passed: u32,
    /// When it was first found blocked as head, in the caller's microseconds.
    pub since_micros: u64,
    /// Whether what it needs is held in escrow.
    pub held: bool,
}

/// A job that was found blocked as head.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockedHead {
    pub(super) rank: Rank,
    pub(super) slot: u32,
    pub(super) passed: u32,
    pub(super) since_micros: u64,
    pub(super) held: bool,
}

/// The blocked heads, each still queued, worst rank first: the last one is the head, or
/// becomes it again when the better-ranked jobs that came in between have gone.
///
/// A hold is nothing but an entry here, and every job that leaves the queue leaves here
/// too, so none can stay behind.
#[derive(Debug)]
pub(super) struct Escrow {
    policy: EscrowPolicy,
    heads: Vec<BlockedHead>,
}

impl Escrow {
    pub(super) const fn new(policy: EscrowPolicy) -> Self {
        Self {
            policy,
            heads: Vec::new(),
        }
    }

    /// The blocked head that was found last.
    pub(super) fn head(&self) -> Option<&BlockedHead> {
        self.heads.last()
    }

    /// The blocked heads, best rank first.
    pub(super) fn heads(&self) -> impl Iterator<Item = &BlockedHead> {
        self.heads.iter().rev()
    }

    /// Notes that the head doesn't fit, and which holds begin by now.
    pub(super) fn block(&mut self, rank: Rank, slot: u32, now_micros: u64) {
        if self.head().is_none_or(|head| head.rank != rank) {
            self.heads.push(BlockedHead {
                rank,
                slot,
                passed: 0,
                since_micros: now_micros,
                held: false,
            });
        }
        for head in &mut self.heads {
            let waited = now_micros.saturating_sub(head.since_micros);
            head.held |= waited >= self.policy.patience_micros;
            head.held |= head.passed >= self.policy.passes;
        }
    }

    /// Notes that a job starts: it passes every blocked head of better rank.
    pub(super) fn started(&mut self, rank: Rank) {
        self.forget(rank);
        for head in self.heads.iter_mut().rev() {
            if head.rank > rank {
                break;
            }
            if !head.held {
                head.passed += 1;
                head.held = head.passed >= self.policy.passes;
            }
        }
    }

    /// Drops the hold of a job that has left the queue.
    pub(super) fn forget(&mut self, rank: Rank) {
        // The planted bug leaves the holds of those who have gone.
        if !self.heads.is_empty() && !cfg!(bursar_plant = "leaked_escrow") {
            self.heads.retain(|head| head.rank != rank);
        }
    }
}
