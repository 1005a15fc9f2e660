//! The jobs that a child was given and has not begun, and what of them the pool is to be told.

use std::collections::VecDeque;
use std::time::Duration;

use super::given::{ChildJob, Given};
use super::usage::Usage;
use crate::clock::{Clock, Tick};
use crate::process::Sizes;

/// So long a job may wait for its turn, and one that began by itself may run, before the pool is told.
const LASTING: Duration = Duration::from_millis(5);

/// What waits for its turn, and what runs.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Since when each has waited.
    waiting: VecDeque<(Tick, Given)>,
    /// The job that runs, where the pool doesn't look after it, since it began by itself.
    unattended: Option<(Tick, Unattended)>,
    news: News,
}

/// A job that began at the end of the one before it.
#[derive(Debug)]
pub(super) struct Unattended {
    pub(super) key: u64,
    /// What there was when it began.
    pub(super) before: Sizes,
}

/// What the pool is to be told.
#[derive(Debug, Default)]
pub(super) struct News {
    /// The job that is to be looked after.
    pub(super) lasts: Option<Unattended>,
    /// The keys of those that are handed back.
    pub(super) handed_back: Vec<u64>,
}

impl News {
    pub(super) fn is_empty(&self) -> bool {
        self.lasts.is_none() && self.handed_back.is_empty()
    }
}

impl Turns {
    pub(super) fn push(&mut self, given: Given, now: Tick) {
        self.waiting.push_back((now, given));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The next one, which begins now.
    pub(super) fn take(&mut self, usage: &Usage, clock: &dyn Clock) -> Option<ChildJob> {
        let follows = self.waiting.front()?.1.turn.is_next();
        if follows && usage.has_children() {
            // What an earlier job has left behind is not to be taken for this one's: the pool looks first.
            self.hand_back();
        }
        let (_, given) = self.waiting.pop_front()?;
        self.unattended = follows.then(|| {
            let (key, before) = (given.job.key, usage.sizes());
            (clock.tick(), Unattended { key, before })
        });
        Some(given.begin(clock))
    }

    /// Hands back what would begin at the end of others.
    pub(super) fn hand_back(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        for (since, given) in waiting {
            match given.turn.is_next() {
                true => self.news.handed_back.push(given.job.key),
                false => self.waiting.push_back((since, given)),
            }
        }
    }

    /// The job that runs is over, or the pool is about to look after it.
    pub(super) fn attend(&mut self) {
        self.unattended = None;
    }

    /// How long it is until something has lasted too long; none where nothing can.
    pub(super) fn patience(&self, now: Tick) -> Option<Duration> {
        let follows = |(_, given): &&(Tick, Given)| given.turn.is_next();
        let waits = self.waiting.iter().find(follows).map(|(since, _)| *since);
        let runs = self.unattended.as_ref().map(|(since, _)| *since);
        let first = waits.into_iter().chain(runs).min()?;
        Some(LASTING.saturating_sub(now.since(first)))
    }

    /// What has lasted too long is news.
    pub(super) fn look_at(&mut self, now: Tick) {
        if self.patience(now) != Some(Duration::ZERO) {
            return;
        }
        self.hand_back();
        let lasts = |(since, _): &mut (Tick, Unattended)| now.since(*since) >= LASTING;
        let lasts = self.unattended.take_if(lasts).map(|(_, job)| job);
        self.news.lasts = lasts.or(self.news.lasts.take());
    }

    pub(super) fn take_news(&mut self) -> News {
        std::mem::take(&mut self.news)
    }
}
