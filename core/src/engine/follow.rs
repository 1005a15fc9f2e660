//! An engine follows its store from its start to its end: first what is in it already, then what
//! others change.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use crate::engine::dispatch::Dispatch;
use crate::engine::driver::STORE_PAUSE;
use crate::engine::inner::Inner;
use crate::engine::orphans;
use crate::engine::standing::News;
use crate::engine::strangers::Plans;
use crate::engine::ticket::Ticket;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Finish, Follow, Followed, Position, Reply};

/// How many jobs are asked for at a time.
const PAGE: usize = 4_096;

/// How far an engine has followed its store.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The number of the page that is asked for now.
    pub(super) page: u64,
    /// The number under which the reading of what has not ended is noted as under way.
    reading: Option<u64>,
    /// What was found not to have ended, where changes were missed before: the rest may have.
    seen: Option<HashSet<u64>>,
    /// What came here while it was read, and not by the pages: it may have ended before it could be read,
    /// and that is not told as a change.
    unsure: Vec<Arc<Ticket>>,
}

impl Inner {
    /// Begins to follow the store, where others can change what is in it.
    pub(super) fn begin_to_follow(&self) {
        if !self.follows {
            return;
        }
        self.dispatch.lock().begin_reading(false);
        // Nobody may think that there is nothing to do.
        self.phase.set_reading(self.options.run);
        self.driver.spawn(follow(self.this.clone()));
    }

    fn ask_for_page(&self, from: Position) -> Reply<Followed> {
        self.dispatch.lock().progress.page += 1;
        self.store.follow(Follow { from, limit: PAGE })
    }

    /// Asks for what is to be given back of a page.
    fn give_back(
        &self,
        page: &Followed,
    ) -> Option<Reply<crate::store::Batch<crate::store::Fenced>>> {
        let attempts = orphans::lost(&page.jobs);
        let now = self.now();
        (!attempts.is_empty()).then(|| self.store.finish(Finish { now, attempts }))
    }

    /// Does what follows from a page.
    fn followed(&self, from: Position, page: &Followed) {
        if page.gap {
            self.dispatch.lock().begin_reading(true);
        }
        self.look_at(page, matches!(from, Position::Unfinished(_)));
        if matches!(from, Position::Unfinished(_)) && matches!(page.next, Position::Changed(_)) {
            self.end_reading();
        }
    }

    fn look_at(&self, page: &Followed, reading: bool) {
        let mut plans = Plans::default();
        let runs = self.options.run;
        let known: Vec<_> = page
            .jobs
            .iter()
            .map(|job| {
                let wanted = runs && !job.state.is_terminal();
                let plan = wanted.then(|| self.plan_in(&mut plans, &job.spec));
                (job, plan.flatten())
            })
            .collect();
        let mut news = News::new(reading, runs && self.phase.is_open());
        {
            let mut dispatch = self.dispatch.lock();
            let running = dispatch.unanswered_attempts();
            for (job, plan) in known {
                dispatch.progress.see(job.sequence);
                let mine = running.get(&job.sequence);
                dispatch.look_at(job, mine, plan, &mut news);
            }
            for sequence in &page.gone {
                dispatch.look_at_gone(*sequence, running.get(sequence), &mut news);
            }
        }
        self.tell_news(news);
    }

    fn end_reading(&self) {
        let unseen = self.dispatch.lock().end_reading();
        for ticket in unseen {
            self.recover(ticket);
        }
        self.phase.set_reading(false);
        self.pump();
        self.look_around();
    }
}

/// It holds the engine only while there is something to do.
async fn follow(this: Weak<Inner>) {
    let mut from = Position::Unfinished(0);
    loop {
        match turn(&this, from).await {
            Ok(Some(next)) if next != from => from = next,
            // A store with nothing to say should have waited; one that doesn't answer may later.
            Ok(Some(_)) => pause(&this).await,
            Err(error) if error.kind() != ErrorKind::Closed => pause(&this).await,
            Ok(None) | Err(_) => break,
        }
        // Many changes must not keep others from the thread.
        tokio::task::yield_now().await;
    }
    if let Some(inner) = this.upgrade() {
        inner.end_reading();
    }
}

/// Asks for a page and does what follows from it; where to go on, unless the engine is gone.
async fn turn(this: &Weak<Inner>, from: Position) -> Result<Option<Position>> {
    let Some(reply) = this.upgrade().map(|inner| inner.ask_for_page(from)) else {
        return Ok(None);
    };
    let mut page = reply.await?;
    let given_back = this.upgrade().and_then(|inner| inner.give_back(&page));
    if let Some(given_back) = given_back {
        orphans::after(&mut page.jobs, &given_back.await?);
    }
    let Some(inner) = this.upgrade().filter(|inner| !inner.phase.is_gone()) else {
        return Err(Error::closed());
    };
    inner.followed(from, &page);
    let again = Position::Unfinished(0);
    Ok(Some(if page.gap { again } else { page.next }))
}

async fn pause(this: &Weak<Inner>) {
    let Some((clock, until)) = this.upgrade().map(|inner| {
        let until = inner.tick().after(STORE_PAUSE);
        (Arc::clone(&inner.clock), until)
    }) else {
        return;
    };
    clock.wait_until(until).await;
}

impl Progress {
    /// Somebody waits for this job from now on.
    pub(super) fn expect(&mut self, ticket: &Arc<Ticket>) {
        if self.reading.is_some() {
            self.unsure.push(Arc::clone(ticket));
        }
    }

    /// Whether there may be jobs in the store that are not known here yet.
    pub(super) fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    fn see(&mut self, sequence: u64) {
        if let Some(seen) = &mut self.seen {
            seen.insert(sequence);
        }
    }
}

impl Dispatch {
    /// What has not ended is read from its beginning. What becomes of jobs meanwhile is noted:
    /// they may be on their way here still.
    fn begin_reading(&mut self, missed: bool) {
        if self.progress.reading.is_none() {
            self.progress.reading = Some(self.early.begin());
        }
        if missed {
            self.progress.seen = Some(HashSet::new());
        }
    }

    /// All was read. Gives what may have ended without a word.
    fn end_reading(&mut self) -> Vec<Arc<Ticket>> {
        if let Some(number) = self.progress.reading.take() {
            self.early.end(number);
            self.early.doubt();
        }
        let mut unsure = std::mem::take(&mut self.progress.unsure);
        unsure.retain(|ticket| !ticket.is_done());
        let Some(seen) = self.progress.seen.take() else {
            return unsure;
        };
        let known = self.tickets.iter().map(|(_, ticket)| ticket);
        let all = known.chain(self.strangers.tickets());
        unsure.extend(all.filter(|one| !seen.contains(&one.sequence())).cloned());
        unsure
    }
}
