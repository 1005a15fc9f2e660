//! The distinct demands of the queued jobs.

use std::collections::{HashMap, VecDeque};

use super::rank_queue::RankQueue;
use crate::Amounts;

/// How many shapes are kept while no job of theirs waits. A program that runs one job
/// after the other finds its shape again without a hash; one whose every demand is new
/// keeps no more than these.
const IDLE_KEPT: usize = 256;

/// One demand and the ranks of the jobs that have it.
#[derive(Debug, Default)]
pub(super) struct Shape {
    pub(super) demand: Amounts,
    pub(super) queue: RankQueue,
    /// Whether it stands in the list of idle shapes.
    listed: bool,
}

/// Interned demands: each distinct one has a slot, a small number that the tournament
/// knows it by.
///
/// The map's random hash decides nothing but where an entry lies: it is never iterated.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    slots: Vec<Shape>,
    by_demand: HashMap<Amounts, u32>,
    vacant: Vec<u32>,
    /// Shapes that ran empty, oldest first; some may be in use again.
    idle: VecDeque<u32>,
    /// The slot looked up last: jobs of one task arrive in runs.
    last: u32,
}

impl Shapes {
    pub(super) fn get(&self, slot: u32) -> &Shape {
        &self.slots[slot as usize]
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Shape {
        &mut self.slots[slot as usize]
    }

    /// How many slots exist, in use or not: one more than the greatest slot.
    pub(super) fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// The slot of a demand, if it has one.
    pub(super) fn find(&mut self, demand: &Amounts) -> Option<u32> {
        let is_last = |shape: &Shape| !demand.is_empty() && shape.demand == *demand;
        // A vacant slot has an empty demand, so it is never taken for the one asked for.
        if !self.slots.get(self.last as usize).is_some_and(is_last) {
            self.last = *self.by_demand.get(demand)?;
        }
        Some(self.last)
    }

    /// Makes a slot for a demand that has none.
    pub(super) fn intern(&mut self, demand: &Amounts) -> u32 {
        let slot = self.vacant.pop().unwrap_or_else(|| self.grow());
        self.get_mut(slot).demand = demand.clone();
        self.by_demand.insert(demand.clone(), slot);
        self.last = slot;
        slot
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "2^32 shapes would take a terabyte"
    )]
    fn grow(&mut self) -> u32 {
        self.slots.push(Shape::default());
        (self.slots.len() - 1) as u32
    }

    /// Notes that the shape's queue has run empty. If too many shapes are idle, the one
    /// that has been so longest gives up its slot, which is returned.
    pub(super) fn retire(&mut self, slot: u32) -> Option<u32> {
        let shape = self.get_mut(slot);
        if std::mem::replace(&mut shape.listed, true) {
            return None;
        }
        self.idle.push_back(slot);
        if self.idle.len() <= IDLE_KEPT {
            return None;
        }
        let oldest = self.idle.pop_front()?;
        self.unlist(oldest).then_some(oldest)
    }

    fn unlist(&mut self, slot: u32) -> bool {
        let shape = self.get_mut(slot);
        shape.listed = false;
        if !shape.queue.is_empty() {
            return false;
        }
        let Shape { demand, .. } = std::mem::take(shape);
        self.by_demand.remove(&demand);
        self.vacant.push(slot);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[u64]) -> Amounts {
        Amounts::from_slice(values)
    }

    #[test]
    fn one_demand_has_one_slot() {
        let mut shapes = Shapes::default();
        let (a, b) = (shapes.intern(&of(&[1, 2])), shapes.intern(&of(&[2, 1])));
        assert_ne!(a, b);
        assert_eq!(shapes.find(&of(&[1, 2])), Some(a));
        assert_eq!(shapes.find(&of(&[2, 1])), Some(b));
        assert_eq!(shapes.find(&of(&[9, 9])), None);
    }

    #[test]
    fn a_million_shapes_used_once_leave_no_more_than_the_idle_ones() {
        let mut shapes = Shapes::default();
        for n in 0..1_000_000 {
            let slot = shapes.intern(&of(&[n, 1, 1, 1]));
            shapes.retire(slot);
        }
        assert!(shapes.capacity() <= IDLE_KEPT + 1);
        assert_eq!(shapes.by_demand.len(), IDLE_KEPT);
        assert!(shapes.idle.len() <= IDLE_KEPT);
    }

    #[test]
    fn a_shape_in_use_again_outlives_its_place_in_the_idle_list() {
        let mut shapes = Shapes::default();
        let kept = shapes.intern(&of(&[7]));
        shapes.retire(kept);
        let rank = crate::Rank::new(crate::Priority::Normal, 1);
        shapes.get_mut(kept).queue.insert(rank);
        for n in 100..1_000 {
            let slot = shapes.intern(&of(&[n]));
            shapes.retire(slot);
        }
        assert_eq!(shapes.find(&of(&[7])), Some(kept));
        assert_eq!(shapes.get(kept).queue.best(), rank);
    }
}
