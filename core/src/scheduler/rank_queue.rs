//! The queued ranks of one shape, in order.

use std::collections::VecDeque;

use crate::Rank;

/// Ranks per chunk: 1 KiB, so that an insert in the middle moves half of that at most.
const CHUNK: usize = 128;

/// A sorted set of ranks, made for arrivals in order and departures from the front.
///
/// A sequence of sorted chunks: appending and popping are constant, an arrival out of
/// order or a removal is two binary searches and a short move. A rank costs 8 bytes in
/// a full chunk and 16 where chunks were split. The first chunk sits in place, so that a
/// short queue is a single allocation, kept while the queue is empty.
#[derive(Clone, Debug, Default)]
pub(super) struct RankQueue {
    /// Holds the best ranks; empty only if the whole queue is.
    front: VecDeque<Rank>,
    /// The chunks after it, none empty.
    rest: VecDeque<VecDeque<Rank>>,
}

impl RankQueue {
    pub(super) fn is_empty(&self) -> bool {
        self.front.is_empty()
    }

    /// The best rank, [`Rank::NONE`] if there is none.
    pub(super) fn best(&self) -> Rank {
        self.front.front().copied().unwrap_or(Rank::NONE)
    }

    /// Adds a rank; `false` if it was there already.
    pub(super) fn insert(&mut self, rank: Rank) -> bool {
        let at = self.chunk_of(rank);
        let chunk = self.chunk_mut(at);
        let position = if chunk.back() < Some(&rank) {
            chunk.len()
        } else {
            match chunk.binary_search(&rank) {
                Ok(_) => return false,
                Err(position) => position,
            }
        };
        if chunk.len() == CHUNK {
            self.split(at, position, rank);
        } else if position == chunk.len() {
            chunk.push_back(rank);
        } else {
            chunk.insert(position, rank);
        }
        true
    }

    /// Takes the best rank out.
    pub(super) fn pop_best(&mut self) -> Option<Rank> {
        let rank = self.front.pop_front()?;
        if self.front.is_empty() {
            self.advance();
        }
        Some(rank)
    }

    /// Takes a rank out; `false` if it wasn't there.
    pub(super) fn remove(&mut self, rank: Rank) -> bool {
        let at = self.chunk_of(rank);
        let chunk = self.chunk_mut(at);
        let Ok(position) = chunk.binary_search(&rank) else {
            return false;
        };
        chunk.remove(position);
        self.merge(at);
        self.merge(at.saturating_sub(1));
        if self.front.is_empty() {
            self.advance();
        }
        true
    }

    /// How many ranks are better than this one, counted no further than `at_most`.
    pub(super) fn count_better(&self, rank: Rank, at_most: usize) -> usize {
        let mut count = 0;
        for chunk in std::iter::once(&self.front).chain(&self.rest) {
            let better = chunk.partition_point(|&queued| queued < rank);
            count += better;
            if better < chunk.len() || count >= at_most {
                break;
            }
        }
        count.min(at_most)
    }

    /// The number of the chunk that holds the rank or would: 0 is `front`, then `rest`.
    fn chunk_of(&self, rank: Rank) -> usize {
        match self.rest.back() {
            None => 0,
            Some(last) if last.front() <= Some(&rank) => self.rest.len(),
            Some(_) => self
                .rest
                .partition_point(|chunk| chunk.front() <= Some(&rank)),
        }
    }

    fn chunk_mut(&mut self, number: usize) -> &mut VecDeque<Rank> {
        match number.checked_sub(1) {
            None => &mut self.front,
            Some(index) => &mut self.rest[index],
        }
    }

    /// Inserts into a full chunk. An arrival behind its end starts a new chunk and
    /// leaves this one full; any other halves it.
    fn split(&mut self, at: usize, position: usize, rank: Rank) {
        let chunk = self.chunk_mut(at);
        let right = if position == CHUNK {
            let mut right = VecDeque::with_capacity(CHUNK);
            right.push_back(rank);
            right
        } else {
            let mut right = chunk.split_off(CHUNK / 2);
            match position.checked_sub(CHUNK / 2) {
                Some(position) => right.insert(position, rank),
                None => chunk.insert(position, rank),
            }
            right
        };
        self.rest.insert(at, right);
    }

    /// Joins a chunk with the next when half a chunk holds both, so that removals leave
    /// no trail of sparse or empty chunks.
    fn merge(&mut self, at: usize) {
        let next = self.rest.get(at).map_or(CHUNK, VecDeque::len);
        if self.chunk_mut(at).len() + next <= CHUNK / 2
            && let Some(mut next) = self.rest.remove(at)
        {
            self.chunk_mut(at).append(&mut next);
        } else if at > 0 && self.chunk_mut(at).is_empty() {
            self.rest.remove(at - 1);
        }
    }

    fn advance(&mut self) {
        if let Some(next) = self.rest.pop_front() {
            self.front = next;
        }
        if self.rest.is_empty() && self.rest.capacity() > 0 {
            self.rest = VecDeque::new();
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
        let ranks: usize = queue.rest.iter().map(VecDeque::capacity).sum();
        (queue.front.capacity() + ranks) * size_of::<Rank>()
            + queue.rest.capacity() * size_of::<VecDeque<Rank>>()
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
    fn arrivals_of_mixed_priorities_stay_under_24_bytes() {
        let mut queue = RankQueue::default();
        for n in 0..100_000 {
            queue.insert(Rank::new(Priority::ALL[n as usize % 4], n));
        }
        assert!(bytes(&queue) < 2_400_000, "{}", bytes(&queue));
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
        assert!(bytes(&queue) <= CHUNK * 8);
    }
}
