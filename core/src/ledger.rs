//! What is reserved of a budget, and by whom.

mod slab;

use crate::Amounts;

pub use slab::Permit;
use slab::Slab;

/// A demand that the pool could never carry, however empty it were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("dimension {dimension} needs {needs}, the pool has {pool}")]
pub struct Shortage {
    /// The first dimension that is too small.
    pub dimension: usize,
    /// What the demand asks of it.
    pub needs: u64,
    /// What the pool has of it in all.
    pub pool: u64,
}

/// One grant: who holds it, and what it holds now.
#[derive(Clone, Debug)]
struct Grant<H> {
    holder: H,
    held: Amounts,
    /// What was granted of the dimensions that are suspended; most grants never have any.
    suspended: Vec<(usize, u64)>,
}

/// The budget's book: `free + granted == pool` in every dimension, at every step.
///
/// [`reserve`](Self::reserve) is the only way in and never over-commits. A dimension can
/// still come to be overdrawn (granted above pool, free 0), by [`resize`](Self::resize)
/// or by [`resume`](Self::resume); then nothing that needs it starts until it is back
/// under the pool.
///
/// `H` names the holder of a grant, e.g. an attempt; it only answers "held by whom".
#[derive(Clone, Debug)]
pub struct Ledger<H> {
    pool: Amounts,
    granted: Amounts,
    /// `pool - granted`, at least 0: kept, not computed, since every search reads it.
    free: Amounts,
    grants: Slab<Grant<H>>,
}

impl<H: Copy> Ledger<H> {
    /// A book over this pool, with nothing granted.
    #[must_use]
    pub fn new(pool: Amounts) -> Self {
        Self {
            granted: Amounts::zeros(pool.len()),
            free: pool.clone(),
            pool,
            grants: Slab::new(),
        }
    }

    /// What there is in all.
    #[must_use]
    pub fn pool(&self) -> &Amounts {
        &self.pool
    }

    /// What is held at the moment, the sum over all grants; above the pool where a
    /// dimension is overdrawn.
    #[must_use]
    pub fn granted(&self) -> &Amounts {
        &self.granted
    }

    /// What may still be granted; 0 where a dimension is used up or overdrawn.
    #[must_use]
    pub fn free(&self) -> &Amounts {
        &self.free
    }

    /// Whether the demand could be granted now.
    #[must_use]
    pub fn fits(&self, demand: &Amounts) -> bool {
        demand.fits_in(self.free.as_slice())
    }

    /// Whether the demand could be granted if nothing else were.
    ///
    /// # Errors
    ///
    /// [`Shortage`] names the first dimension in which the whole pool is too small.
    pub fn could_ever_fit(&self, demand: &Amounts) -> Result<(), Shortage> {
        let totals = self.pool.as_slice();
        for (dimension, &needs) in demand.as_slice().iter().enumerate() {
            let pool = totals.get(dimension).copied().unwrap_or(0);
            if needs > pool {
                return Err(Shortage {
                    dimension,
                    needs,
                    pool,
                });
            }
        }
        Ok(())
    }

    /// Grants the demand if it fits; `None` and no change if it doesn't.
    pub fn reserve(&mut self, holder: H, demand: &Amounts) -> Option<Permit> {
        if !self.fits(demand) {
            return None;
        }
        let permit = self.grants.insert(Grant {
            holder,
            held: Amounts::from_slice(demand.as_slice()),
            suspended: Vec::new(),
        })?;
        // Both stay in range: the demand is at most what is free in each dimension, and
        // 0 in a dimension that the pool doesn't have.
        let granted = self.granted.as_mut_slice().iter_mut();
        let free = self.free.as_mut_slice().iter_mut();
        for ((granted, free), need) in granted.zip(free).zip(demand.as_slice()) {
            *granted += need;
            *free -= need;
        }
        Some(permit)
    }

    /// Gives back all that the grant holds. `false` and no change if that was done
    /// before: releasing is idempotent.
    pub fn release(&mut self, permit: Permit) -> bool {
        let Some(grant) = self.grants.remove(permit) else {
            return false;
        };
        let granted = self.granted.as_mut_slice().iter_mut();
        let books = granted
            .zip(self.free.as_mut_slice())
            .zip(self.pool.as_slice());
        for (((granted, free), pool), held) in books.zip(grant.held.as_slice()) {
            if cfg!(bursar_plant = "double_release") {
                *granted = granted.saturating_sub(2 * held);
            } else {
                *granted -= held;
            }
            *free = pool.saturating_sub(*granted);
        }
        true
    }

    /// Gives all that one grant holds to another; nothing becomes free in between. `false` and no
    /// change if one of them is void, or both are the same.
    pub fn pass_on(&mut self, from: Permit, to: Permit) -> bool {
        if from == to || !self.holds(to) {
            return false;
        }
        let Some(giver) = self.grants.get_mut(from) else {
            return false;
        };
        let nothing = Amounts::zeros(giver.held.len());
        let held = std::mem::replace(&mut giver.held, nothing);
        let suspended = std::mem::take(&mut giver.suspended);
        if let Some(taker) = self.grants.get_mut(to) {
            let values = taker.held.as_mut_slice().iter_mut();
            values
                .zip(held.as_slice())
                .for_each(|(value, passed)| *value += passed);
            taker.suspended.extend(suspended);
        }
        true
    }

    /// Whether more is granted of a dimension than there is.
    pub fn is_overdrawn(&self) -> bool {
        let mut dimensions = self.granted.as_slice().iter().zip(self.pool.as_slice());
        dimensions.any(|(granted, pool)| granted > pool)
    }

    /// Whether the grant was not given back yet.
    pub fn holds(&self, permit: Permit) -> bool {
        self.grants.contains(permit)
    }

    /// Gives one dimension of a grant back while its holder waits, e.g. the executor's
    /// slot of a job that waits for another. `false` and no change if the grant is void
    /// or holds nothing of it.
    pub fn suspend(&mut self, permit: Permit, dimension: usize) -> bool {
        let Some(grant) = self.grants.get_mut(permit) else {
            return false;
        };
        let Some(held) = grant.held.as_mut_slice().get_mut(dimension) else {
            return false;
        };
        let given_back = std::mem::take(held);
        if given_back == 0 {
            return false;
        }
        grant.suspended.push((dimension, given_back));
        self.granted[dimension] -= given_back;
        self.settle_one(dimension);
        true
    }

    /// Takes back at once what [`suspend`](Self::suspend) gave, even where that
    /// overdraws the dimension. `false` and no change if the grant is void or holds it
    /// already.
    pub fn resume(&mut self, permit: Permit, dimension: usize) -> bool {
        let Some(grant) = self.grants.get_mut(permit) else {
            return false;
        };
        let suspended = &mut grant.suspended;
        let Some(at) = suspended.iter().position(|(index, _)| *index == dimension) else {
            return false;
        };
        let (_, demand) = suspended.swap_remove(at);
        // Beyond u64::MAX the sum can't be told; holding a little less keeps the book
        // exact, and the dimension is overdrawn either way.
        let held = demand.min(u64::MAX - self.granted[dimension]);
        grant.held[dimension] = held;
        self.granted[dimension] += held;
        self.settle_one(dimension);
        true
    }

    /// Sets what there is of one dimension. Below what is granted of it, nothing that
    /// needs it starts until enough has been released; no grant is touched. A dimension
    /// the pool doesn't have is ignored.
    pub fn resize(&mut self, dimension: usize, total: u64) {
        if let Some(pool) = self.pool.as_mut_slice().get_mut(dimension) {
            *pool = total;
            self.settle_one(dimension);
        }
    }

    /// All grants, each with its holder and what it holds now. In no particular order.
    pub fn grants(&self) -> impl Iterator<Item = (Permit, H, &Amounts)> {
        self.grants
            .iter()
            .map(|(permit, grant)| (permit, grant.holder, &grant.held))
    }

    fn settle_one(&mut self, dimension: usize) {
        self.free[dimension] = self.pool[dimension].saturating_sub(self.granted[dimension]);
    }
}

#[cfg(test)]
mod tests;
