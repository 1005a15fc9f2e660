use bursar_core::{Amounts, EscrowPolicy, Ledger, Permit, Priority, Rank, Scheduler};
use bursar_testkit::model::{NaiveLedger, NaiveScheduler};

use crate::referee::Referee;
use crate::step::{POOL, Step};

/// How often the interesting things happened.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) started: usize,
    pub(crate) passed: usize,
    pub(crate) held: usize,
    pub(crate) held_heads_at_once: usize,
    pub(crate) cancelled: usize,
    pub(crate) followed: usize,
    pub(crate) overdrawn: usize,
}

struct Running {
    rank: Rank,
    demand: Amounts,
    permit: Permit,
    holder: u64,
}

/// Scheduler and ledger beside their models; after each step they must be equal.
pub(crate) struct Duel {
    scheduler: Scheduler,
    naive_scheduler: NaiveScheduler,
    ledger: Ledger<u64>,
    naive_ledger: NaiveLedger,
    referee: Referee,
    running: Vec<Running>,
    now: u64,
    /// Sequences of jobs and holders of grants are both drawn from here.
    numbers: u64,
    may_overdraw: [bool; POOL.len()],
    tally: Tally,
}

impl Duel {
    pub(crate) fn new(policy: EscrowPolicy) -> Self {
        let pool = Amounts::from_slice(&POOL);
        Self {
            scheduler: Scheduler::new(pool.len(), policy),
            naive_scheduler: NaiveScheduler::new(policy),
            naive_ledger: NaiveLedger::new(&pool),
            ledger: Ledger::new(pool),
            referee: Referee::new(policy),
            running: Vec::new(),
            now: 0,
            numbers: 0,
            may_overdraw: [false; POOL.len()],
            tally: Tally::default(),
        }
    }

    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    pub(crate) fn play(&mut self, step: Step) {
        match step {
            Step::Submit { priority, demand } => self.submit(priority, &demand),
            Step::Retry(which) => self.retry(which),
            Step::Cancel(which) => self.cancel(which),
            Step::CancelUnknown(demand) => self.cancel_unknown(&demand),
            Step::Finish { which, twice } => self.finish(which, twice),
            Step::Follow(which) => self.follow(which),
            Step::Suspend {
                which,
                dimension,
                suspended,
            } => {
                self.suspend(which, dimension, suspended);
            }
            Step::Resize { dimension, total } => self.resize(dimension, total),
            Step::Advance(micros) => self.now += micros,
            Step::Start(at_most) => self.start(at_most),
        }
        self.check();
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn insert(&mut self, rank: Rank, demand: &Amounts) {
        self.scheduler.insert(rank, demand);
        self.naive_scheduler.insert(rank, demand);
    }

    fn submit(&mut self, priority: Priority, demand: &Amounts) {
        // Bounded, or jobs that never fit pile up over a million steps.
        if self.scheduler.len() >= 96 {
            self.cancel(self.numbers as usize);
        }
        let rank = Rank::new(priority, self.number());
        self.insert(rank, demand);
    }

    fn retry(&mut self, which: usize) {
        if let Some(running) = self.end(which) {
            self.insert(running.rank, &running.demand);
        }
    }

    fn cancel(&mut self, which: usize) {
        let queued = self.naive_scheduler.queued();
        if queued.is_empty() {
            return;
        }
        let (rank, demand) = queued[which % queued.len()].clone();
        assert!(self.scheduler.remove(rank, &demand));
        assert!(self.naive_scheduler.remove(rank, &demand));
        assert!(!self.scheduler.remove(rank, &demand));
        self.referee.left(rank);
        self.tally.cancelled += 1;
    }

    fn cancel_unknown(&mut self, demand: &Amounts) {
        let rank = Rank::new(Priority::Normal, self.number());
        assert!(!self.scheduler.remove(rank, demand));
    }

    fn end(&mut self, which: usize) -> Option<Running> {
        if self.running.is_empty() {
            return None;
        }
        let ended = self.running.swap_remove(which % self.running.len());
        assert!(self.ledger.release(ended.permit));
        assert!(self.naive_ledger.release(ended.holder));
        Some(ended)
    }

    fn finish(&mut self, which: usize, twice: bool) {
        if let Some(ended) = self.end(which)
            && twice
        {
            assert!(!self.ledger.release(ended.permit));
            assert!(!self.ledger.resume(ended.permit, 0) && !self.ledger.suspend(ended.permit, 0));
        }
    }

    fn follow(&mut self, which: usize) {
        let queued = self.naive_scheduler.queued().first().cloned();
        if self.running.is_empty() {
            return;
        }
        let which = which % self.running.len();
        let Some((rank, demand)) = queued.filter(|(_, next)| *next == self.running[which].demand)
        else {
            return;
        };
        assert!(self.scheduler.remove(rank, &demand) && self.naive_scheduler.remove(rank, &demand));
        self.referee.left(rank);
        let holder = self.number();
        let nothing = Amounts::zeros(POOL.len());
        let permit = self.ledger.reserve(holder, &nothing);
        assert!(permit.is_some(), "nothing fits always");
        let Some(permit) = permit else {
            return;
        };
        let before = &mut self.running[which];
        assert!(self.ledger.pass_on(before.permit, permit));
        assert!(self.ledger.release(before.permit) && !self.ledger.holds(before.permit));
        self.naive_ledger.pass_on(before.holder, holder);
        (before.rank, before.permit, before.holder) = (rank, permit, holder);
        self.tally.followed += 1;
    }

    fn suspend(&mut self, which: usize, dimension: usize, suspended: bool) {
        if self.running.is_empty() {
            return;
        }
        let running = &self.running[which % self.running.len()];
        let changed = if suspended {
            self.ledger.suspend(running.permit, dimension)
        } else {
            self.ledger.resume(running.permit, dimension)
        };
        let same = self
            .naive_ledger
            .suspend(running.holder, dimension, suspended);
        assert_eq!(changed, same);
        self.may_overdraw[dimension] |= changed && !suspended;
    }

    fn resize(&mut self, dimension: usize, total: u64) {
        self.ledger.resize(dimension, total);
        self.naive_ledger.resize(dimension, total);
        self.may_overdraw[dimension] = true;
    }

    fn start(&mut self, at_most: usize) {
        for _ in 0..at_most {
            let free = self.ledger.free().clone();
            self.tell_referee_of_a_blocked_head();
            let rank = self.scheduler.next(&free, self.now);
            let mut queued = self.naive_scheduler.queued().iter();
            let job = queued.find(|(queued, _)| Some(*queued) == rank).cloned();
            assert_eq!(rank, self.naive_scheduler.next(&free, self.now));
            let Some((rank, demand)) = job else {
                break;
            };
            self.run(rank, demand, &free);
        }
    }

    fn tell_referee_of_a_blocked_head(&mut self) {
        if let Some((rank, demand)) = self.naive_scheduler.queued().first()
            && !self.ledger.fits(demand)
        {
            self.referee.blocked(*rank, demand, self.now);
        }
    }

    fn run(&mut self, rank: Rank, demand: Amounts, free: &Amounts) {
        let holder = self.number();
        assert_eq!(self.ledger.could_ever_fit(&demand), Ok(()));
        self.referee.started(rank, &demand, free, self.now);
        let permit = self.ledger.reserve(holder, &demand);
        assert!(permit.is_some(), "{rank:?} was said to fit");
        assert!(self.naive_ledger.reserve(holder, &demand));
        self.running.extend(permit.map(|permit| Running {
            rank,
            demand,
            permit,
            holder,
        }));
        self.tally.started += 1;
        let heads = self.naive_scheduler.heads();
        self.tally.passed += usize::from(heads.iter().any(|head| head.rank < rank));
    }

    fn check(&mut self) {
        self.check_ledger();
        self.check_scheduler();
    }

    fn check_ledger(&mut self) {
        let (pool, granted, free) = (
            self.ledger.pool(),
            self.ledger.granted(),
            self.ledger.free(),
        );
        assert_eq!(pool, &self.naive_ledger.pool());
        assert_eq!(granted, &self.naive_ledger.granted());
        assert_eq!(free, &self.naive_ledger.free());
        for d in 0..POOL.len() {
            let overdrawn = granted[d] > pool[d];
            assert!(overdrawn || free[d] + granted[d] == pool[d]);
            assert!(!overdrawn || (free[d] == 0 && self.may_overdraw[d]));
            self.may_overdraw[d] &= overdrawn;
            self.tally.overdrawn += usize::from(overdrawn);
        }
        assert_eq!(
            self.ledger.grants().count(),
            self.naive_ledger.grants().len()
        );
    }

    fn check_scheduler(&mut self) {
        let queued = self.naive_scheduler.queued();
        assert_eq!(self.scheduler.len(), queued.len());
        assert_eq!(self.scheduler.is_empty(), queued.is_empty());
        let best = queued.first().map(|(rank, _)| *rank);
        assert_eq!(self.scheduler.best(), best);
        let middle = Rank::new(Priority::Normal, self.numbers / 2);
        let ahead = self.naive_scheduler.ahead_of(middle);
        assert_eq!(self.scheduler.ahead_of(middle, usize::MAX), ahead);
        assert_eq!(self.scheduler.ahead_of(middle, 7), ahead.min(7));
        self.check_escrow();
    }

    fn check_escrow(&mut self) {
        let heads = self.naive_scheduler.heads();
        let held = heads.iter().filter(|head| head.held).count();
        self.tally.held += usize::from(held > 0);
        self.tally.held_heads_at_once = self.tally.held_heads_at_once.max(held);
        let (Some(view), Some(head)) = (self.scheduler.escrow(), self.naive_scheduler.head())
        else {
            assert!(heads.is_empty() && self.scheduler.escrow().is_none());
            return;
        };
        assert_eq!(
            (view.rank, view.passed, view.since_micros, view.held),
            (head.rank, head.passed, head.since_micros, head.held)
        );
        let mut queued = self.naive_scheduler.queued().iter();
        assert!(queued.any(|(rank, demand)| (*rank, demand) == (head.rank, view.demand)));
    }
}
