use bursar_core::Amounts;

/// One grant of a [`NaiveLedger`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NaiveGrant {
    /// Who holds it.
    pub holder: u64,
    /// What it was granted.
    pub demand: Amounts,
    /// Which dimensions are given back for now.
    pub suspended: Vec<bool>,
}

impl NaiveGrant {
    fn held(&self, dimension: usize) -> u64 {
        if self.suspended[dimension] {
            0
        } else {
            self.demand[dimension]
        }
    }
}

/// The ledger as a list of grants, added up anew for each question. Holders are unique.
#[derive(Clone, Debug)]
pub struct NaiveLedger {
    pool: Vec<u64>,
    grants: Vec<NaiveGrant>,
}

impl NaiveLedger {
    /// A book over this pool, with nothing granted.
    #[must_use]
    pub fn new(pool: &Amounts) -> Self {
        Self {
            pool: pool.as_slice().to_vec(),
            grants: Vec::new(),
        }
    }

    /// What there is in all.
    #[must_use]
    pub fn pool(&self) -> Amounts {
        Amounts::from_slice(&self.pool)
    }

    /// All grants, oldest first.
    #[must_use]
    pub fn grants(&self) -> &[NaiveGrant] {
        &self.grants
    }

    /// The sum of what all grants hold.
    #[must_use]
    pub fn granted(&self) -> Amounts {
        let sums: Vec<_> = (0..self.pool.len())
            .map(|d| self.grants.iter().map(|grant| grant.held(d)).sum())
            .collect();
        Amounts::from_slice(&sums)
    }

    /// What is left of the pool, at least 0.
    #[must_use]
    pub fn free(&self) -> Amounts {
        self.pool().saturating_sub(&self.granted())
    }

    /// Grants the demand if every dimension has as much left.
    pub fn reserve(&mut self, holder: u64, demand: &Amounts) -> bool {
        let free = self.free();
        let fits = (0..self.pool.len()).all(|d| demand[d] <= free[d]);
        if fits {
            self.grants.push(NaiveGrant {
                holder,
                demand: demand.clone(),
                suspended: vec![false; self.pool.len()],
            });
        }
        fits
    }

    /// Ends the holder's grant; `false` if there is none.
    pub fn release(&mut self, holder: u64) -> bool {
        let before = self.grants.len();
        self.grants.retain(|grant| grant.holder != holder);
        self.grants.len() < before
    }

    /// Gives the holder's grant to another holder, who has none.
    pub fn pass_on(&mut self, from: u64, to: u64) {
        let mut grants = self.grants.iter_mut();
        if let Some(grant) = grants.find(|grant| grant.holder == from) {
            grant.holder = to;
        }
    }

    /// Gives a dimension back (`suspended`) or takes it back; `false` if that changes
    /// nothing.
    pub fn suspend(&mut self, holder: u64, dimension: usize, suspended: bool) -> bool {
        let mut grants = self.grants.iter_mut();
        let Some(grant) = grants.find(|grant| grant.holder == holder) else {
            return false;
        };
        let changes = grant.demand[dimension] > 0 && grant.suspended[dimension] != suspended;
        if changes {
            grant.suspended[dimension] = suspended;
        }
        changes
    }

    /// Sets what there is of a dimension.
    pub fn resize(&mut self, dimension: usize, total: u64) {
        self.pool[dimension] = total;
    }
}
