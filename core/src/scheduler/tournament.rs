//! The search over shapes.

use super::demand_key::DemandKey;
use super::trie::{Child, Edge, Trie};
use crate::{Amounts, Rank};

/// A shape and the best rank in its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entrant {
    pub(super) slot: u32,
    pub(super) rank: Rank,
}

/// A tournament over the shapes. For every edge of the trie it knows the best rank below
/// and, per dimension, the smallest demand of the non-empty shapes below: where that
/// doesn't fit, nothing below fits.
///
/// Searching is branch and bound (A. H. Land and A. G. Doig, 1960): the better-ranked
/// way first, and none that can't fit or can't beat the best found so far. The bound is
/// as good as the shapes below an edge are alike, so the trie puts like demands together.
#[derive(Debug)]
pub(super) struct Tournament {
    trie: Trie,
    /// 1 for the rank, then one per dimension.
    stride: usize,
    /// `stride` words per edge; all bits set where no job is below. The two edges of a
    /// node lie side by side, so that comparing them reads one stretch of memory.
    words: Vec<u64>,
}

impl Tournament {
    pub(super) fn new(dimensions: usize) -> Self {
        let stride = dimensions + 1;
        let trie = Trie::new();
        Self {
            words: vec![u64::MAX; trie.edges() * stride],
            trie,
            stride,
        }
    }

    /// Admits a shape, with no job yet; `demand_of` tells any admitted shape's demand.
    pub(super) fn admit<'a>(&mut self, slot: u32, demand_of: impl Fn(u32) -> &'a Amounts) {
        let key_of = |slot| DemandKey::of(demand_of(slot));
        let change = self.trie.add(slot, &key_of(slot), key_of);
        self.words.resize(self.trie.edges() * self.stride, u64::MAX);
        if let Some(change) = change {
            self.copy(change.above, change.sibling);
            self.words_mut(change.sibling ^ 1).fill(u64::MAX);
        }
    }

    /// Dismisses a shape that has no job.
    pub(super) fn dismiss(&mut self, slot: u32) {
        if let Some(change) = self.trie.remove(slot) {
            self.copy(change.sibling, change.above);
        }
    }

    /// A shape's queue was empty and is no longer.
    pub(super) fn enter(&mut self, slot: u32, rank: Rank, demand: &[u64]) {
        let seat = self.trie.seat(slot);
        let words = self.words_mut(seat);
        words[0] = rank.to_bits();
        words[1..].copy_from_slice(demand);
        self.rise(seat);
    }

    /// A shape's queue has run empty.
    pub(super) fn leave(&mut self, slot: u32) {
        let seat = self.trie.seat(slot);
        self.words_mut(seat).fill(u64::MAX);
        self.rise(seat);
    }

    /// The best rank of a non-empty shape is another one now.
    pub(super) fn reorder(&mut self, slot: u32, rank: Rank) {
        let mut edge = self.trie.seat(slot);
        self.words_mut(edge)[0] = rank.to_bits();
        while let Some(above) = self.trie.above(edge) {
            let best = self.rank(edge).min(self.rank(edge ^ 1)).to_bits();
            let word = &mut self.words_mut(above)[0];
            if *word == best {
                break;
            }
            *word = best;
            edge = above;
        }
    }

    /// The best rank of all, [`Rank::NONE`] if no job is queued.
    pub(super) fn best_rank(&self) -> Rank {
        self.rank(Trie::ROOT)
    }

    /// The shape that holds the best rank of all.
    pub(super) fn best(&self) -> Option<Entrant> {
        let rank = self.best_rank();
        let mut edge = Trie::ROOT;
        while let Child::Node(node) = self.trie.child(edge) {
            edge = 2 * node as Edge;
            edge += usize::from(self.rank(edge) != rank);
        }
        match self.trie.child(edge) {
            Child::Leaf(slot) if rank != Rank::NONE => Some(Entrant { slot, rank }),
            _ => None,
        }
    }

    /// The best-ranked shape whose demand fits in `allowance`.
    pub(super) fn best_fit(&self, allowance: &[u64]) -> Option<Entrant> {
        let mut best = Entrant {
            slot: 0,
            rank: Rank::NONE,
        };
        self.search(Trie::ROOT, allowance, &mut best);
        (best.rank != Rank::NONE).then_some(best)
    }

    /// How many jobs of better rank there are, counted no further than `at_most`;
    /// `count` tells it for one shape.
    pub(super) fn count_better(
        &self,
        rank: Rank,
        at_most: usize,
        count: impl Fn(u32, usize) -> usize,
    ) -> usize {
        let (mut total, mut pending) = (0, vec![Trie::ROOT]);
        while let Some(edge) = pending.pop() {
            if total >= at_most {
                break;
            }
            if self.rank(edge) >= rank {
                continue;
            }
            match self.trie.child(edge) {
                Child::Nothing => {}
                Child::Leaf(slot) => total += count(slot, at_most - total),
                Child::Node(node) => pending.extend([2 * node as Edge, 2 * node as Edge + 1]),
            }
        }
        total
    }

    /// How many edges it keeps words for.
    #[cfg(test)]
    pub(super) fn edges(&self) -> usize {
        self.trie.edges()
    }

    /// Follows an edge if something below may both fit and beat the best.
    fn search(&self, edge: Edge, allowance: &[u64], best: &mut Entrant) {
        if self.rank(edge) >= best.rank || !self.fits(edge, allowance) {
            return;
        }
        match self.trie.child(edge) {
            Child::Nothing => {}
            Child::Leaf(slot) => {
                let rank = self.rank(edge);
                *best = Entrant { slot, rank };
            }
            Child::Node(node) => {
                let left = 2 * node as Edge;
                let first = left + usize::from(self.rank(left) > self.rank(left + 1));
                self.search(first, allowance, best);
                self.search(first ^ 1, allowance, best);
            }
        }
    }

    /// Brings what is above a changed edge up to date, as far as anything changes.
    fn rise(&mut self, mut edge: Edge) {
        while let Some(above) = self.trie.above(edge) {
            let mut changed = false;
            for word in 0..self.stride {
                let at = |edge: Edge| edge * self.stride + word;
                let least = self.words[at(edge)].min(self.words[at(edge ^ 1)]);
                changed |= self.words[at(above)] != least;
                self.words[at(above)] = least;
            }
            if !changed {
                break;
            }
            edge = above;
        }
    }

    fn rank(&self, edge: Edge) -> Rank {
        Rank::from_bits(self.words[edge * self.stride])
    }

    fn fits(&self, edge: Edge, allowance: &[u64]) -> bool {
        let demand = &self.words[edge * self.stride + 1..][..self.stride - 1];
        demand
            .iter()
            .zip(allowance)
            .all(|(need, allowed)| need <= allowed)
    }

    fn words_mut(&mut self, edge: Edge) -> &mut [u64] {
        &mut self.words[edge * self.stride..][..self.stride]
    }

    fn copy(&mut self, from: Edge, to: Edge) {
        let from = from * self.stride;
        self.words
            .copy_within(from..from + self.stride, to * self.stride);
    }
}
