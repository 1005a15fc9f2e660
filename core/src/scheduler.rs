//! Which queued job may start now.

mod demand_key;
mod escrow;
mod lane;
mod rank_queue;
mod shapes;
mod tournament;
mod trie;

use std::borrow::Cow;

use escrow::Escrow;
pub use escrow::{EscrowPolicy, EscrowView};
use shapes::Shapes;
use tournament::{Entrant, Tournament};

use crate::{Amounts, Rank};

/// Room for more shapes than this is given back once no job is queued; growing again
/// costs no more than the inserts that call for it.
const LARGE: usize = 1024;

/// The queue of all jobs that wait for budget, and the choice among them. Pure: no I/O,
/// no clock, no randomness; the same calls make the same choices.
///
/// **Shapes.** Jobs of equal demand are one shape: a queue by rank, of which only the
/// best can be next. A tournament over the shapes finds the best-ranked job that fits,
/// as a rule in the logarithm of the number of shapes, however many jobs wait.
///
/// **Escrow.** The best-ranked job, the head, starts if it fits. If it doesn't, jobs of
/// lower rank that fit may pass it, within the limits of an [`EscrowPolicy`]; after that
/// others may use only the surplus over what it needs, and all of what it doesn't need.
/// A head keeps its count and its time while a better-ranked job comes in between.
///
/// The rule in one sentence: walk the jobs from the best rank on, keep a copy of what is
/// free, start the first job that fits in it, and take out of it what every held job
/// that doesn't fit needs.
///
/// Sources: backfill with a reservation for the first job (the EASY scheduler; Slurm's
/// `sched/backfill`), Kueue's `StrictFIFO` and `BestEffortFIFO` queues.
#[derive(Debug)]
pub struct Scheduler {
    dimensions: usize,
    len: usize,
    shapes: Shapes,
    tree: Tournament,
    escrow: Escrow,
    /// What is free, less what is held; kept for its memory.
    allowance: Vec<u64>,
}

impl Scheduler {
    /// An empty queue of jobs whose demands have this many dimensions.
    #[must_use]
    pub fn new(dimensions: usize, policy: EscrowPolicy) -> Self {
        Self {
            dimensions,
            len: 0,
            shapes: Shapes::default(),
            tree: Tournament::new(dimensions),
            escrow: Escrow::new(policy),
            allowance: Vec::new(),
        }
    }

    /// How many jobs are queued.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no job is queued.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Queues a job. Its rank must be its own: no other queued job has it. Dimensions
    /// that `demand` lacks count as 0; any beyond the scheduler's are left out, so check
    /// it with [`Ledger::could_ever_fit`](crate::Ledger::could_ever_fit) first.
    pub fn insert(&mut self, rank: Rank, demand: &Amounts) {
        let demand = &*self.in_dimensions(demand);
        let slot = self.shape(demand);
        let queue = &mut self.shapes.get_mut(slot).queue;
        let best = queue.best();
        if !queue.insert(rank) {
            return;
        }
        self.len += 1;
        if best == Rank::NONE {
            self.tree.enter(slot, rank, demand.as_slice());
        } else if rank < best {
            self.tree.reorder(slot, rank);
        }
    }

    /// Takes a job out, e.g. a cancelled one; `false` if it isn't queued with this
    /// demand. If anything was held in escrow for it, that is free again.
    pub fn remove(&mut self, rank: Rank, demand: &Amounts) -> bool {
        let demand = self.in_dimensions(demand);
        let Some(slot) = self.shapes.find(&demand) else {
            return false;
        };
        let queue = &mut self.shapes.get_mut(slot).queue;
        let was_best = queue.best() == rank;
        if !queue.remove(rank) {
            return false;
        }
        self.escrow.forget(rank);
        self.departed(slot, was_best);
        true
    }

    /// Chooses the job that may start now and takes it out of the queue; `None` if no
    /// job may. The caller reserves its demand before the next call.
    ///
    /// `free` is what the ledger has left, `now_micros` any clock that never goes back.
    pub fn next(&mut self, free: &Amounts, now_micros: u64) -> Option<Rank> {
        let Entrant { slot, rank } = self.choose(free, now_micros)?;
        self.shapes.get_mut(slot).queue.pop_best();
        self.escrow.started(rank);
        self.departed(slot, true);
        Some(rank)
    }

    /// The queued job that ranks best, whether it may start now or not: it would be the next one to start
    /// if enough became free.
    #[must_use]
    pub fn best(&self) -> Option<Rank> {
        self.tree.best().map(|entrant| entrant.rank)
    }

    /// How many queued jobs have a better rank, counted no further than `at_most`.
    #[must_use]
    pub fn ahead_of(&self, rank: Rank, at_most: usize) -> usize {
        self.tree.count_better(rank, at_most, |slot, at_most| {
            self.shapes.get(slot).queue.count_better(rank, at_most)
        })
    }

    /// The head that [`next`](Self::next) last found blocked and that is still queued.
    #[must_use]
    pub fn escrow(&self) -> Option<EscrowView<'_>> {
        self.escrow.head().map(|head| EscrowView {
            rank: head.rank,
            demand: &self.shapes.get(head.slot).demand,
            passed: head.passed,
            since_micros: head.since_micros,
            held: head.held,
        })
    }

    fn choose(&mut self, free: &Amounts, now_micros: u64) -> Option<Entrant> {
        let head = self.head()?;
        if self.demand(head.slot).fits_in(free.as_slice()) {
            return Some(head);
        }
        self.escrow.block(head.rank, head.slot, now_micros);
        self.search_around_heads(free.as_slice())
    }

    /// The best-ranked job that fits, where each blocked head on the way is due what it
    /// needs before the jobs that rank behind it.
    fn search_around_heads(&mut self, free: &[u64]) -> Option<Entrant> {
        self.allowance.clear();
        self.allowance.extend_from_slice(free);
        let best = self.tree.best_rank();
        for head in self.escrow.heads().filter(|head| head.held) {
            if head.rank > best {
                let found = self.tree.best_fit(&self.allowance)?;
                if found.rank <= head.rank {
                    return Some(found);
                }
            }
            let needs = self.shapes.get(head.slot).demand.as_slice();
            for (allowed, need) in self.allowance.iter_mut().zip(needs) {
                *allowed = allowed.saturating_sub(*need);
            }
        }
        self.tree.best_fit(&self.allowance)
    }

    /// The best-ranked job: known if it was blocked before, else looked up.
    fn head(&self) -> Option<Entrant> {
        let rank = self.tree.best_rank();
        match self.escrow.head() {
            Some(head) if head.rank == rank => Some(Entrant {
                slot: head.slot,
                rank,
            }),
            _ => self.tree.best(),
        }
    }

    fn demand(&self, slot: u32) -> &Amounts {
        &self.shapes.get(slot).demand
    }

    /// Brings the tournament up to date after a job has left a shape's queue.
    fn departed(&mut self, slot: u32, was_best: bool) {
        self.len -= 1;
        let best = self.shapes.get(slot).queue.best();
        if best == Rank::NONE {
            self.tree.leave(slot);
            if let Some(oldest) = self.shapes.retire(slot) {
                self.tree.dismiss(oldest);
            }
        } else if was_best {
            self.tree.reorder(slot, best);
        }
        if self.len == 0 && self.shapes.capacity() > LARGE {
            self.shapes = Shapes::default();
            self.tree = Tournament::new(self.dimensions);
        }
    }

    /// The demand with as many dimensions as the scheduler has.
    fn in_dimensions<'a>(&self, demand: &'a Amounts) -> Cow<'a, Amounts> {
        if demand.len() == self.dimensions {
            return Cow::Borrowed(demand);
        }
        let mut adapted = Amounts::zeros(self.dimensions);
        let values = adapted.as_mut_slice().iter_mut();
        values
            .zip(demand.as_slice())
            .for_each(|(value, need)| *value = *need);
        Cow::Owned(adapted)
    }

    /// The slot of a demand; a new one enters the tournament.
    fn shape(&mut self, demand: &Amounts) -> u32 {
        if let Some(slot) = self.shapes.find(demand) {
            return slot;
        }
        let slot = self.shapes.intern(demand);
        let shapes = &self.shapes;
        self.tree.admit(slot, |slot| &shapes.get(slot).demand);
        slot
    }
}

#[cfg(test)]
mod tests;
