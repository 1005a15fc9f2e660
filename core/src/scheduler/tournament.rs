//! The search over shapes.

use crate::Rank;

/// A shape and the best rank in its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entrant {
    pub(super) slot: u32,
    pub(super) rank: Rank,
}

/// A complete binary tree over the shapes' slots. Each node holds the best rank below it
/// and, per dimension, the smallest demand of the non-empty shapes below it: whatever
/// doesn't fit the smallest fits none.
///
/// Searching is branch and bound (Land and Doig, 1960): the better-ranked child first,
/// and no subtree that can't fit or can't beat the best found so far.
#[derive(Debug)]
pub(super) struct Tournament {
    /// 1 for the rank, then one per dimension.
    stride: usize,
    /// Leaves, a power of two.
    width: usize,
    /// Nodes in level order from index 1, `stride` words each: children lie side by
    /// side, so that comparing them reads one stretch of memory.
    words: Vec<u64>,
}

impl Tournament {
    pub(super) fn new(dimensions: usize) -> Self {
        let mut tree = Self {
            stride: dimensions + 1,
            width: 0,
            words: Vec::new(),
        };
        tree.resize(1);
        tree
    }

    /// How many slots there is room for.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Gives the tree room for this many slots, rounded up; every shape leaves it and
    /// must enter again.
    pub(super) fn resize(&mut self, slots: usize) {
        self.width = slots.next_power_of_two();
        self.words.clear();
        self.words.resize(2 * self.width * self.stride, u64::MAX);
        self.words.shrink_to_fit();
    }

    /// The best rank of all, [`Rank::NONE`] if no job is queued.
    pub(super) fn best_rank(&self) -> Rank {
        self.rank(1)
    }

    /// The shape that holds the best rank of all.
    pub(super) fn best(&self) -> Option<Entrant> {
        let rank = self.best_rank();
        let mut node = 1;
        while node < self.width {
            node = 2 * node + usize::from(self.rank(2 * node) != rank);
        }
        (rank != Rank::NONE).then(|| self.entrant(node))
    }

    /// A shape's queue was empty and is no longer.
    pub(super) fn enter(&mut self, slot: u32, rank: Rank, demand: &[u64]) {
        let node = self.leaf(slot);
        let words = self.node_mut(node);
        words[0] = rank.to_bits();
        words[1..].copy_from_slice(demand);
        self.rise(node);
    }

    /// A shape's queue has run empty.
    pub(super) fn leave(&mut self, slot: u32) {
        let node = self.leaf(slot);
        self.node_mut(node).fill(u64::MAX);
        self.rise(node);
    }

    /// The best rank of a non-empty shape is another one now.
    pub(super) fn reorder(&mut self, slot: u32, rank: Rank) {
        let mut node = self.leaf(slot);
        self.node_mut(node)[0] = rank.to_bits();
        while node > 1 {
            let best = self.rank(node).min(self.rank(node ^ 1)).to_bits();
            node /= 2;
            let word = &mut self.node_mut(node)[0];
            if *word == best {
                break;
            }
            *word = best;
        }
    }

    /// The best-ranked shape whose demand fits in `allowance`.
    pub(super) fn best_fit(&self, allowance: &[u64]) -> Option<Entrant> {
        let mut found = None;
        if self.fits(1, allowance) {
            self.search(1, allowance, &mut found, &mut Rank::NONE.clone());
        }
        found
    }

    /// How many jobs of better rank there are, counted no further than `at_most`;
    /// `count` tells it for one shape.
    pub(super) fn count_better(
        &self,
        rank: Rank,
        at_most: usize,
        count: impl Fn(u32, usize) -> usize,
    ) -> usize {
        let (mut total, mut pending) = (0, vec![1]);
        while let Some(node) = pending.pop() {
            if total >= at_most {
                break;
            }
            if self.rank(node) >= rank {
                continue;
            }
            if node < self.width {
                pending.extend([2 * node, 2 * node + 1]);
            } else {
                total += count(self.entrant(node).slot, at_most - total);
            }
        }
        total
    }

    /// Visits a node that fits and whose rank beats `bound`.
    fn search(
        &self,
        node: usize,
        allowance: &[u64],
        found: &mut Option<Entrant>,
        bound: &mut Rank,
    ) {
        if node >= self.width {
            *found = Some(self.entrant(node));
            *bound = self.rank(node);
            return;
        }
        let (left, right) = (2 * node, 2 * node + 1);
        let children = if self.rank(left) <= self.rank(right) {
            [left, right]
        } else {
            [right, left]
        };
        for child in children {
            if self.rank(child) < *bound && self.fits(child, allowance) {
                self.search(child, allowance, found, bound);
            }
        }
    }

    /// Brings the ancestors of a changed node up to date, as far as anything changes.
    fn rise(&mut self, mut node: usize) {
        while node > 1 {
            node /= 2;
            let stride = self.stride;
            let (above, below) = self.words.split_at_mut(2 * node * stride);
            let parent = &mut above[node * stride..][..stride];
            let (left, right) = below[..2 * stride].split_at(stride);
            let mut changed = false;
            for ((word, left), right) in parent.iter_mut().zip(left).zip(right) {
                let least = *left.min(right);
                changed |= *word != least;
                *word = least;
            }
            if !changed {
                break;
            }
        }
    }

    fn rank(&self, node: usize) -> Rank {
        Rank::from_bits(self.words[node * self.stride])
    }

    fn fits(&self, node: usize, allowance: &[u64]) -> bool {
        let demand = &self.words[node * self.stride + 1..][..self.stride - 1];
        demand
            .iter()
            .zip(allowance)
            .all(|(need, free)| need <= free)
    }

    fn leaf(&self, slot: u32) -> usize {
        self.width + slot as usize
    }

    #[expect(clippy::cast_possible_truncation, reason = "slots are u32")]
    fn entrant(&self, leaf: usize) -> Entrant {
        Entrant {
            slot: (leaf - self.width) as u32,
            rank: self.rank(leaf),
        }
    }

    fn node_mut(&mut self, node: usize) -> &mut [u64] {
        &mut self.words[node * self.stride..][..self.stride]
    }
}
