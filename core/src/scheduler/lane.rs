//! The queued ranks of one priority of one shape, in order.

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
pub(super) struct Lane {
    /// Holds the best ranks; empty only if the whole queue is.
    front: VecDeque<Rank>,
    /// The chunks after it, none empty.
    rest: VecDeque<VecDeque<Rank>>,
}

impl Lane {
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

    /// The memory of the chunks, in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let ranks: usize = self.rest.iter().map(VecDeque::capacity).sum();
        (self.front.capacity() + ranks) * size_of::<Rank>()
            + self.rest.capacity() * size_of::<VecDeque<Rank>>()
    }
}
