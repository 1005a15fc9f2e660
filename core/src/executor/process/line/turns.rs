//! The jobs that a child was given and has not begun, and those of them that it gives back.

use std::collections::VecDeque;
use std::time::Duration;

use super::given::{ChildJob, Given, Turn};
use super::usage::{Sizes, Usage};
use crate::clock::Clock;

/// A job that lasts longer is none that others may wait behind.
const LASTING: Duration = Duration::from_millis(5);

/// What waits for its turn.
#[derive(Debug, Default)]
pub(super) struct Turns {
    given: VecDeque<Given>,
    /// The keys of what is given back, until that is said.
    returning: Vec<u64>,
    /// How many have begun.
    begun: u64,
    /// The job that runs, where the pool doesn't look after it, since it began by itself.
    unattended: Option<Unattended>,
}

/// A job that began at the end of the one before it.
#[derive(Debug)]
pub(super) struct Unattended {
    pub(super) key: u64,
    /// What there was when it began.
    pub(super) before: Sizes,
}

impl Turns {
    pub(super) fn push(&mut self, given: Given) {
        self.given.push_back(given);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// The next one, which begins now.
    pub(super) fn take(&mut self, usage: &Usage, clock: &dyn Clock) -> Option<ChildJob> {
        let later = self.given.front()?.turn != Turn::Now;
        if later && usage.has_children() {
            // What an earlier job has left behind is not to be taken for this one's: the pool looks first.
            self.give_back();
        }
        let given = self.given.pop_front()?;
        self.begun += 1;
        self.unattended = later.then(|| Unattended {
            key: given.job.key,
            before: usage.sizes(),
        });
        Some(given.begin(clock))
    }

    /// Gives back what would begin at the end of others.
    pub(super) fn give_back(&mut self) {
        let (now, later) = std::mem::take(&mut self.given)
            .into_iter()
            .partition(|given| given.turn == Turn::Now);
        self.given = now;
        let later: VecDeque<Given> = later;
        self.returning
            .extend(later.iter().map(|given| given.job.key));
    }

    /// What is given back now.
    pub(super) fn take_returning(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.returning)
    }

    /// How many have begun, and how long the one that runs may go on like that; none where it may for ever.
    pub(super) fn patience(&self) -> (u64, Option<Duration>) {
        let waits = self.unattended.is_some() || !self.given.is_empty();
        (self.begun, waits.then_some(LASTING))
    }

    /// That time is over: where the same one runs, nothing waits behind it any more, and it is to be looked
    /// after if it isn't.
    pub(super) fn is_late(&mut self, begun: u64) -> Option<Unattended> {
        if self.begun != begun {
            return None;
        }
        self.give_back();
        self.unattended.take()
    }

    /// The job that runs is over, or the pool is about to look after it.
    pub(super) fn attend(&mut self) {
        self.unattended = None;
    }
}
