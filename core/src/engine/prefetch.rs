//! Attempts that an executor is given before their turn has come, so that short jobs follow each other without
//! a message between them.
//!
//! An executor asks for them behind an attempt that it runs. They need exactly what that one holds, and are the
//! jobs that would start if it ended now; so they reserve nothing of their own: each takes over what the one
//! before it held, once that has given it back. Whatever becomes of one of them, the next is closer to its turn.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::amounts::Amounts;
use crate::clock::Tick;
use crate::engine::attempt::Attempt;
use crate::engine::dispatch::{BATCH, Dispatch, Grants};
use crate::engine::driver::Due;
use crate::engine::inner::Inner;
use crate::engine::plan::Plan;
use crate::event::EventKind;
use crate::ledger::Permit;
use crate::state::State;

/// Who takes over what from whom.
#[derive(Debug, Default)]
pub(super) struct Chains {
    /// By the key of the attempt that they began with.
    chains: HashMap<u64, Chain>,
}

#[derive(Debug)]
struct Chain {
    /// Who holds what all of them need.
    holder: u64,
    next: VecDeque<Arc<Attempt>>,
}

impl Chains {
    /// How many wait behind `attempt`, or behind others of its chain.
    fn behind(&self, attempt: &Attempt) -> usize {
        let chain = self.chains.get(&attempt.chain);
        chain.map_or(0, |chain| chain.next.len())
    }

    /// Whether `attempt` holds what its chain needs, or waits for it.
    fn has(&self, attempt: &Attempt) -> bool {
        self.chains.get(&attempt.chain).is_some_and(|chain| {
            chain.holder == attempt.key || chain.next.iter().any(|next| next.key == attempt.key)
        })
    }

    fn append(&mut self, chain: u64, next: Arc<Attempt>) {
        let chain = self.chains.entry(chain).or_insert_with(|| Chain {
            holder: chain,
            next: VecDeque::new(),
        });
        chain.next.push_back(next);
    }

    /// `attempt` gives back what it holds, or its place; gives the permit of who is to have what it held.
    pub(super) fn leave(&mut self, attempt: &Attempt) -> Option<Permit> {
        let chain = self.chains.get_mut(&attempt.chain)?;
        if chain.holder != attempt.key {
            chain.next.retain(|next| next.key != attempt.key);
            return None;
        }
        let Some(next) = chain.next.pop_front() else {
            self.chains.remove(&attempt.chain);
            return None;
        };
        chain.holder = next.key;
        Some(next.permit)
    }

    /// The key of the one after whose end `attempt` begins; none where it holds what it needs.
    fn after(&self, attempt: &Attempt) -> Option<u64> {
        let chain = self.chains.get(&attempt.chain)?;
        let at = chain.next.iter().position(|next| next.key == attempt.key)?;
        match at {
            0 => Some(chain.holder),
            at => Some(chain.next[at - 1].key),
        }
    }
}

impl Dispatch {
    /// Grants what may follow `leader`, so that at most `most` do; nothing as long as half of them are there.
    fn grant_behind(&mut self, leader: &Attempt, most: usize) -> Grants {
        let mut grants = Grants::new();
        let known = self.chains.behind(leader);
        let goes_on = self.ledger.holds(leader.permit) || self.chains.has(leader);
        // A pool that was lowered shrinks by what ends.
        let goes_on = goes_on && !self.ledger.is_overdrawn();
        let Some(plan) = leader
            .ticket
            .plan()
            .filter(|_| goes_on && 2 * known <= most)
        else {
            return grants;
        };
        while known + grants.len() < most && grants.len() < BATCH {
            let Some(attempt) = self.take_alike(plan, leader.chain) else {
                break;
            };
            grants.push(attempt);
        }
        grants
    }

    /// Takes out the job that is next to start, where it needs what one of `plan` has, and can't start now.
    fn take_alike(&mut self, plan: &Plan, chain: u64) -> Option<Arc<Attempt>> {
        if self.is_paused() {
            return None;
        }
        let ticket = Arc::clone(self.tickets.get(self.scheduler.best()?.sequence())?);
        let needs = ticket.plan().filter(|next| next.is_like(plan))?;
        // One that was handed back before waits for a process of its own.
        if self.ledger.fits(&needs.amounts) || ticket.newest() > 0 {
            return None;
        }
        let key = self.next_key();
        let nothing = Amounts::zeros(needs.amounts.len());
        let permit = self.ledger.reserve(key, &nothing)?;
        self.withdraw(&ticket);
        let attempt = self.new_attempt(key, ticket, permit, chain);
        self.chains.append(chain, Arc::clone(&attempt));
        Some(attempt)
    }
}

impl Plan {
    /// Whether its jobs can take each other's place.
    fn is_like(&self, other: &Self) -> bool {
        self.spec.executor == other.spec.executor
            && self.amounts == other.amounts
            && self.sandbox == other.sandbox
            && self.spec.limits.cpu == other.spec.limits.cpu
    }
}

impl Inner {
    /// Has an executor given what may follow `leader`, so that at most `most` do.
    pub(super) fn prefetch(&self, leader: &Attempt, most: usize) {
        let grants = self.dispatch.lock().grant_behind(leader, most);
        if !grants.is_empty() {
            self.claim(grants);
        }
    }

    /// The key of the attempt after whose end this one begins.
    pub(super) fn after(&self, attempt: &Attempt) -> Option<u64> {
        if attempt.chain == attempt.key {
            return None;
        }
        self.dispatch.lock().chains.after(attempt)
    }

    /// The code of an attempt runs from now on.
    pub(super) fn set_off(&self, attempt: &Attempt) {
        if let Some(timeout) = attempt.timeout() {
            let deadline: Tick = self.tick().after(timeout);
            attempt.set_off(deadline);
            self.driver.watch(deadline, attempt.key(), Due::Timeout);
        }
        if attempt.chain != attempt.key && attempt.stop_signal().is_set() {
            // It was asked to stop before it began, when there was nothing to be killed.
            let until = self.tick().after(self.options.grace);
            self.driver.watch(until, attempt.key(), Due::Grace);
        }
        self.events.emit(&*self.clock, &attempt.ticket, || {
            EventKind::State(State::Running)
        });
    }
}
