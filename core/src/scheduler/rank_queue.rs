//! The queued ranks of one shape, in order.

use smallvec::{SmallVec, smallvec};

use super::lane::Lane;
use crate::Rank;

/// A sorted set of ranks: a lane for each priority that is queued, best first. Within a lane
/// ranks come in order, as a rule, so that adding one is an append whatever the priorities mix.
#[derive(Clone, Debug)]
pub(super) struct RankQueue {
    /// Never none. Only a single lane may be empty; it is kept for its memory.
    lanes: SmallVec<[Lane; 1]>,
}

impl Default for RankQueue {
    fn default() -> Self {
        Self {
            lanes: smallvec![Lane::default()],
        }
    }
}

impl RankQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.lanes[0].is_empty()
    }

    /// The best rank, [`Rank::NONE`] if there is none.
    pub(super) fn best(&self) -> Rank {
        self.lanes[0].best()
    }

    /// Adds a rank; `false` if it was there already.
    pub(super) fn insert(&mut self, rank: Rank) -> bool {
        if self.is_empty() {
            return self.lanes[0].insert(rank);
        }
        let at = self.lane_of(rank);
        if !self.has_lane(at, rank) {
            self.lanes.insert(at, Lane::default());
        }
        self.lanes[at].insert(rank)
    }

    /// Takes the best rank out.
    pub(super) fn pop_best(&mut self) -> Option<Rank> {
        let rank = self.lanes[0].pop_best()?;
        self.tidy(0);
        Some(rank)
    }

    /// Takes a rank out; `false` if it wasn't there.
    pub(super) fn remove(&mut self, rank: Rank) -> bool {
        let at = self.lane_of(rank);
        if self.is_empty() || !self.has_lane(at, rank) || !self.lanes[at].remove(rank) {
            return false;
        }
        self.tidy(at);
        true
    }

    /// How many ranks are better than this one, counted no further than `at_most`.
    pub(super) fn count_better(&self, rank: Rank, at_most: usize) -> usize {
        self.lanes.iter().fold(0, |count, lane| {
            count + lane.count_better(rank, at_most - count)
        })
    }

    /// The place of the lane that holds the rank or would.
    fn lane_of(&self, rank: Rank) -> usize {
        let better = |lane: &&Lane| lane.best().priority() < rank.priority();
        self.lanes.iter().take_while(better).count()
    }

    fn has_lane(&self, at: usize, rank: Rank) -> bool {
        let lane = self.lanes.get(at);
        lane.is_some_and(|lane| lane.best().priority() == rank.priority())
    }

    /// Drops a lane that was emptied, unless it is the last.
    fn tidy(&mut self, at: usize) {
        if self.lanes[at].is_empty() && self.lanes.len() > 1 {
            self.lanes.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Priority;

    fn rank(sequence: u64) -> Rank {
        Rank::new(Priority::Normal, sequence)
    }

    fn bytes(queue: &RankQueue) -> usize {
        queue.lanes.iter().map(Lane::bytes).sum()
    }

    /// Every step against the standard sorted set, over a few thousand ranks.
    #[test]
    fn equals_a_sorted_set_for_any_order_of_steps() {
        let seed = 0x5eed;
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut queue, mut model) = (RankQueue::default(), BTreeSet::new());
        for step in 0..200_000 {
            let any = Rank::new(Priority::ALL[random.usize(..4)], random.u64(..3_000));
            let growing = step / 20_000 % 2 == 0;
            match random.u8(..10) {
                0..4 if growing => assert_eq!(queue.insert(any), model.insert(any), "{step}"),
                0..4 => assert_eq!(queue.remove(any), model.remove(&any), "{step}"),
                4 | 5 => assert_eq!(queue.pop_best(), model.pop_first(), "{step}"),
                6 => assert_eq!(
                    queue.count_better(any, 500),
                    model.range(..any).count().min(500),
                    "seed {seed}, step {step}"
                ),
                _ => assert_eq!(queue.insert(any), model.insert(any), "{step}"),
            }
            assert_eq!(queue.best(), model.first().copied().unwrap_or(Rank::NONE));
            assert_eq!(queue.is_empty(), model.is_empty());
        }
        while let Some(best) = model.pop_first() {
            assert_eq!(queue.pop_best(), Some(best));
        }
        assert_eq!(queue.pop_best(), None);
    }

    #[test]
    fn a_rank_in_order_costs_less_than_nine_bytes() {
        let mut queue = RankQueue::default();
        (0..100_000).for_each(|n| assert!(queue.insert(rank(n))));
        assert!(bytes(&queue) < 900_000, "{}", bytes(&queue));
    }

    #[test]
    fn arrivals_of_mixed_priorities_cost_no_more() {
        let mut queue = RankQueue::default();
        for n in 0..100_000 {
            queue.insert(Rank::new(Priority::ALL[n as usize % 4], n));
        }
        assert!(bytes(&queue) < 900_000, "{}", bytes(&queue));
    }

    #[test]
    fn removals_leave_no_sparse_chunks() {
        let mut queue = RankQueue::default();
        (0..100_000).for_each(|n| assert!(queue.insert(rank(n))));
        for n in (0..100_000).filter(|n| n % 100 != 0) {
            assert!(queue.remove(rank(n)));
        }
        assert!(bytes(&queue) < 1_000 * 64, "{}", bytes(&queue));
        (0..1_000).for_each(|n| assert_eq!(queue.pop_best(), Some(rank(n * 100))));
        assert!(bytes(&queue) <= 1_024);
    }
}
