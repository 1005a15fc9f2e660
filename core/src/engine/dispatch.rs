//! What waits, what runs and what that reserves: the state behind the engine's one hot lock.
//! Plain data with no I/O and no user code, so the lock is held for well under a microsecond.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use smallvec::SmallVec;

use crate::clock::Tick;
use crate::engine::attempt::Attempt;
use crate::engine::early::{Early, Fate};
use crate::engine::follow::Progress;
use crate::engine::prefetch::Chains;
use crate::engine::strangers::Strangers;
use crate::engine::ticket::Ticket;
use crate::ledger::{Ledger, Permit};
use crate::rank::Rank;
use crate::scheduler::Scheduler;
use crate::seq_map::SeqMap;

/// Attempts that were granted their demand.
pub(super) type Grants = SmallVec<[Arc<Attempt>; BATCH]>;

/// Grants handed out in one go: the lock is given to others in between.
pub(super) const BATCH: usize = 64;

/// How many blank attempts are kept.
const BLANK: usize = 2 * BATCH;

/// Why nothing is granted for now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gate {
    /// The engine only submits.
    pub(super) submit_only: bool,
    /// It shuts down.
    pub(super) closing: bool,
    /// The process nears what it may use.
    pub(super) pressed: bool,
    /// The store doesn't answer.
    pub(super) store_away: bool,
}

impl Gate {
    fn is_shut(self) -> bool {
        self != Self::default()
    }
}

#[derive(Debug)]
pub(super) struct Dispatch {
    pub(super) scheduler: Scheduler,
    /// Holders are attempt keys.
    pub(super) ledger: Ledger<u64>,
    /// The jobs of this engine that have not ended, by sequence.
    pub(super) tickets: SeqMap<Arc<Ticket>>,
    /// What really runs, or was prefetched, by attempt key.
    pub(super) running: SeqMap<Arc<Attempt>>,
    /// What of `running` waits for others of it.
    pub(super) chains: Chains,
    /// Which of `running` wait for which other jobs.
    pub(super) waiting: HashMap<u64, SmallVec<[Arc<Ticket>; 1]>>,
    pub(super) gate: Gate,
    /// What became of jobs before their submits were answered.
    pub(super) early: Early,
    /// How far the store was followed.
    pub(super) progress: Progress,
    /// Jobs in the store that this engine can't run as it stands.
    pub(super) strangers: Strangers,
    /// For how many jobs that are on their way to the store something is reserved.
    pub(super) openings: usize,
    last_key: u64,
    /// Blank attempts: many at once come and go, and making them anew costs allocators much.
    blank: Vec<Arc<Attempt>>,
}

impl Dispatch {
    pub(super) fn new(scheduler: Scheduler, ledger: Ledger<u64>, gate: Gate) -> Self {
        Self {
            scheduler,
            ledger,
            tickets: SeqMap::default(),
            running: SeqMap::default(),
            chains: Chains::default(),
            waiting: HashMap::new(),
            gate,
            early: Early::default(),
            progress: Progress::default(),
            strangers: Strangers::default(),
            openings: 0,
            last_key: 0,
            blank: Vec::new(),
        }
    }

    /// Takes in a job that the store has accepted, and queues it if it is queued there; one whose
    /// task isn't known here is set aside. Where the job has a ticket already, that one stays, and
    /// is what the submitter gets.
    pub(super) fn take_in(&mut self, ticket: Arc<Ticket>, queued: bool) -> Arc<Ticket> {
        let known = self.tickets.get(ticket.sequence());
        if known.is_none() && ticket.is_strange() {
            return self.set_aside(ticket, queued);
        }
        let ticket = match known {
            Some(known) => {
                ticket
                    .plan()
                    .into_iter()
                    .for_each(|plan| known.give_plan(plan));
                if ticket.is_own() {
                    known.make_own();
                }
                Arc::clone(known)
            }
            None => {
                if let Some(stranger) = self.strangers.remove(ticket.sequence()) {
                    // Somebody has looked it up before it came here.
                    ticket.tell_too(stranger.ticket);
                }
                self.tickets.insert(ticket.sequence(), Arc::clone(&ticket));
                ticket
            }
        };
        if queued {
            self.offer(&ticket);
        }
        ticket
    }

    /// Takes a job out that has ended without running.
    pub(super) fn take_out(&mut self, sequence: u64) -> Option<Arc<Ticket>> {
        // Whose job it is may not have heard of it yet, though others have.
        self.early.note(sequence, Fate::Ended);
        let Some(ticket) = self.tickets.remove(sequence) else {
            return Some(self.strangers.remove(sequence)?.ticket);
        };
        self.withdraw(&ticket);
        Some(ticket)
    }

    /// The newest attempt of the job `sequence` that runs, given up on or not.
    pub(super) fn newest_attempt(&self, sequence: u64) -> Option<&Arc<Attempt>> {
        let mut running = self.running.iter().map(|(_, attempt)| attempt);
        running.rfind(|attempt| attempt.ticket.sequence() == sequence)
    }

    /// An attempt here has ended its job.
    pub(super) fn has_ended_here(&mut self, sequence: u64) {
        // A page that was read before may still name it.
        self.early.note(sequence, Fate::Ended);
        // Whoever has recorded the end holds the attempt, and that the ticket.
        drop(self.tickets.remove(sequence));
    }

    /// Whether nothing is granted for now.
    pub(super) fn is_paused(&self) -> bool {
        self.gate.is_shut()
    }

    /// Queues a job.
    pub(super) fn offer(&mut self, ticket: &Ticket) {
        if let (Some(rank), Some(plan)) = (ticket.rank(), ticket.plan()) {
            self.scheduler.insert(rank, &plan.amounts);
        }
    }

    /// Takes a queued job out.
    pub(super) fn withdraw(&mut self, ticket: &Ticket) -> bool {
        match (ticket.rank(), ticket.plan()) {
            (Some(rank), Some(plan)) => self.scheduler.remove(rank, &plan.amounts),
            _ => false,
        }
    }

    /// The jobs that neither run nor are queued here.
    pub(super) fn waiting_for_time(&mut self) -> Vec<Arc<Ticket>> {
        let running: HashSet<u64> = self
            .running
            .iter()
            .filter(|(_, attempt)| !attempt.is_closed())
            .map(|(_, attempt)| attempt.ticket.sequence())
            .collect();
        let tickets = self.tickets.iter().map(|(_, ticket)| Arc::clone(ticket));
        let mut waiting: Vec<Arc<Ticket>> = tickets
            .filter(|ticket| !running.contains(&ticket.sequence()))
            .collect();
        waiting.retain(|ticket| {
            let queued = self.withdraw(ticket);
            if queued {
                self.offer(ticket);
            }
            !queued
        });
        waiting
    }

    /// Grants what may start now.
    pub(super) fn grant(&mut self, now: Tick) -> Grants {
        let mut grants = Grants::new();
        while grants.len() < BATCH && !self.gate.is_shut() {
            let Some(rank) = self.scheduler.next(self.ledger.free(), now.micros()) else {
                break;
            };
            grants.extend(self.reserve(rank));
        }
        grants
    }

    fn reserve(&mut self, rank: Rank) -> Option<Arc<Attempt>> {
        let ticket = self.tickets.get(rank.sequence())?;
        let plan = ticket.plan()?;
        let (ticket, plan) = (Arc::clone(ticket), Arc::clone(plan));
        let key = self.next_key();
        let permit = self.ledger.reserve(key, &plan.amounts)?;
        Some(self.new_attempt(key, ticket, permit, key))
    }

    /// A number that no attempt has.
    pub(super) fn next_key(&mut self) -> u64 {
        self.last_key += 1;
        self.last_key
    }

    /// An attempt that runs from now on, or in its turn in `chain`.
    pub(super) fn new_attempt(
        &mut self,
        key: u64,
        ticket: Arc<Ticket>,
        permit: Permit,
        chain: u64,
    ) -> Arc<Attempt> {
        let attempt = Attempt::reuse(self.blank.pop(), key, ticket, permit, chain);
        self.running.insert(key, Arc::clone(&attempt));
        attempt
    }

    /// Keeps blank attempts for the next ones.
    pub(super) fn keep_blank(&mut self, attempts: impl IntoIterator<Item = Arc<Attempt>>) {
        let room = BLANK.saturating_sub(self.blank.len());
        self.blank.extend(attempts.into_iter().take(room));
    }

    /// Gives back what an attempt reserved, once it has really ended: to the one that was prefetched behind
    /// it, if there is one. Giving it back again changes nothing.
    pub(super) fn give_back(&mut self, attempt: &Attempt) {
        if let Some(next) = self.chains.leave(attempt) {
            self.ledger.pass_on(attempt.permit, next);
        }
        self.ledger.release(attempt.permit);
        if !self.waiting.is_empty() {
            self.waiting.remove(&attempt.key);
        }
    }

    /// Gives back what an attempt reserved; it runs no more.
    pub(super) fn release(&mut self, attempt: &Attempt) -> bool {
        self.give_back(attempt);
        self.running.remove(attempt.key).is_some()
    }
}
