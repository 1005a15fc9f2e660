//! The peer: the same rule by a linear scan over the shapes.

use std::collections::{BTreeSet, HashMap};

use bursar_core::{Amounts, EscrowPolicy, Rank};

#[derive(Clone, Copy)]
struct Head {
    rank: Rank,
    shape: usize,
    passed: u32,
    since: u64,
    held: bool,
}

/// Shapes with ordered queues, as the scheduler has, but without its tournament.
pub(crate) struct Scan {
    policy: EscrowPolicy,
    by_demand: HashMap<Amounts, usize>,
    shapes: Vec<(Amounts, BTreeSet<Rank>)>,
    heads: Vec<Head>,
}

impl Scan {
    pub(crate) fn new(policy: EscrowPolicy) -> Self {
        Self {
            policy,
            by_demand: HashMap::new(),
            shapes: Vec::new(),
            heads: Vec::new(),
        }
    }

    pub(crate) fn insert(&mut self, rank: Rank, demand: &Amounts) {
        let shape = *self.by_demand.entry(demand.clone()).or_insert_with(|| {
            self.shapes.push((demand.clone(), BTreeSet::new()));
            self.shapes.len() - 1
        });
        self.shapes[shape].1.insert(rank);
    }

    pub(crate) fn next(&mut self, free: &Amounts, now: u64) -> Option<Rank> {
        let (rank, shape) = self.choose(free, now)?;
        self.shapes[shape].1.pop_first();
        self.heads.retain(|head| head.rank != rank);
        let passed = self
            .heads
            .iter_mut()
            .filter(|head| head.rank < rank && !head.held);
        passed.for_each(|head| head.passed += 1);
        Some(rank)
    }

    fn choose(&mut self, free: &Amounts, now: u64) -> Option<(Rank, usize)> {
        let (rank, shape) = self.best_fit(None)?;
        if self.shapes[shape].0.fits_in(free.as_slice()) {
            return Some((rank, shape));
        }
        self.block(rank, shape, now);
        let mut allowance = free.clone();
        for head in self.heads.iter().rev().filter(|head| head.held) {
            if head.rank > rank {
                let found = self.best_fit(Some(&allowance))?;
                if found.0 <= head.rank {
                    return Some(found);
                }
            }
            allowance = allowance.saturating_sub(&self.shapes[head.shape].0);
        }
        self.best_fit(Some(&allowance))
    }

    fn block(&mut self, rank: Rank, shape: usize, since: u64) {
        if self.heads.last().is_none_or(|head| head.rank != rank) {
            self.heads.push(Head {
                rank,
                shape,
                passed: 0,
                since,
                held: false,
            });
        }
        for head in &mut self.heads {
            head.held |= head.passed >= self.policy.passes
                || since - head.since >= self.policy.patience_micros;
        }
    }

    fn best_fit(&self, allowance: Option<&Amounts>) -> Option<(Rank, usize)> {
        let mut found: Option<(Rank, usize)> = None;
        for (shape, (demand, queue)) in self.shapes.iter().enumerate() {
            if let Some(&rank) = queue.first()
                && found.is_none_or(|(best, _)| rank < best)
                && allowance.is_none_or(|free| demand.fits_in(free.as_slice()))
            {
                found = Some((rank, shape));
            }
        }
        found
    }
}
