use bursar_core::{Amounts, EscrowPolicy, Rank};

/// A job that was found blocked while it was the best-ranked one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NaiveHead {
    /// The job.
    pub rank: Rank,
    /// How many jobs passed it before it was held.
    pub passed: u32,
    /// When it was found.
    pub since_micros: u64,
    /// Whether what it needs is held for it.
    pub held: bool,
}

/// The scheduler as a sorted list, walked from the best rank on for each choice.
#[derive(Clone, Debug)]
pub struct NaiveScheduler {
    policy: EscrowPolicy,
    queued: Vec<(Rank, Amounts)>,
    heads: Vec<NaiveHead>,
}

impl NaiveScheduler {
    /// An empty queue.
    #[must_use]
    pub fn new(policy: EscrowPolicy) -> Self {
        Self {
            policy,
            queued: Vec::new(),
            heads: Vec::new(),
        }
    }

    /// The queued jobs, best rank first.
    #[must_use]
    pub fn queued(&self) -> &[(Rank, Amounts)] {
        &self.queued
    }

    /// The blocked heads, in the order they were found.
    #[must_use]
    pub fn heads(&self) -> &[NaiveHead] {
        &self.heads
    }

    /// The blocked head of best rank.
    #[must_use]
    pub fn head(&self) -> Option<NaiveHead> {
        self.heads.iter().copied().min_by_key(|head| head.rank)
    }

    /// Queues a job.
    pub fn insert(&mut self, rank: Rank, demand: &Amounts) {
        self.queued.push((rank, demand.clone()));
        self.queued.sort_by_key(|(rank, _)| *rank);
    }

    /// Takes a job out; `false` if there is none with this rank and demand.
    pub fn remove(&mut self, rank: Rank, demand: &Amounts) -> bool {
        let before = self.queued.len();
        self.queued.retain(|(r, d)| (r, d) != (&rank, demand));
        let removed = self.queued.len() < before;
        if removed {
            self.heads.retain(|head| head.rank != rank);
        }
        removed
    }

    /// Starts the first job that fits in what is free, less what is held for those on
    /// the way to it.
    pub fn next(&mut self, free: &Amounts, now_micros: u64) -> Option<Rank> {
        self.note_head(free, now_micros);
        let mut allowance = free.clone();
        let mut chosen = None;
        for (rank, demand) in &self.queued {
            if demand.fits_in(allowance.as_slice()) {
                chosen = Some(*rank);
                break;
            }
            if self
                .heads
                .iter()
                .any(|head| head.rank == *rank && head.held)
            {
                allowance = allowance.saturating_sub(demand);
            }
        }
        self.start(chosen?);
        chosen
    }

    /// How many queued jobs have a better rank.
    #[must_use]
    pub fn ahead_of(&self, rank: Rank) -> usize {
        self.queued.iter().filter(|(r, _)| *r < rank).count()
    }

    /// If the best-ranked job doesn't fit, notes it, and which holds begin by now.
    fn note_head(&mut self, free: &Amounts, now_micros: u64) {
        let Some((rank, demand)) = self.queued.first() else {
            return;
        };
        if demand.fits_in(free.as_slice()) {
            return;
        }
        if self.heads.iter().all(|head| head.rank != *rank) {
            self.heads.push(NaiveHead {
                rank: *rank,
                passed: 0,
                since_micros: now_micros,
                held: false,
            });
        }
        for head in &mut self.heads {
            let waited = now_micros - head.since_micros;
            if head.passed >= self.policy.passes || waited >= self.policy.patience_micros {
                head.held = true;
            }
        }
    }

    fn start(&mut self, rank: Rank) {
        self.queued.retain(|(queued, _)| *queued != rank);
        self.heads.retain(|head| head.rank != rank);
        for head in &mut self.heads {
            if head.rank < rank && !head.held {
                head.passed += 1;
                head.held = head.passed >= self.policy.passes;
            }
        }
    }
}
