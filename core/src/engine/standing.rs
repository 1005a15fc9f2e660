//! What it means here where a job stands in the store. A page may have been overtaken by what this
//! engine has done since it was read; decision 8 says why nothing is lost by that.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::engine::attempt::{Attempt, Stop, StopKind};
use crate::engine::dispatch::Dispatch;
use crate::engine::early::{Fate, Heard};
use crate::engine::inner::Inner;
use crate::engine::plan::Plan;
use crate::engine::strangers::Stranger;
use crate::engine::ticket::Ticket;
use crate::event::EventKind;
use crate::id::JobId;
use crate::state::State;
use crate::store::Standing;

/// What is to be done about a page, outside of the lock.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Whether the page is of what has not ended, not of changes.
    reading: bool,
    /// Whether jobs of others are taken in.
    takes_in: bool,
    /// Attempts here that the store counts no more.
    lost: Vec<Arc<Attempt>>,
    /// Attempts here whose jobs another process has cancelled.
    cancelled: Vec<(Arc<Attempt>, Arc<str>)>,
    /// Jobs that wait, and were cancelled while they ran.
    unwanted: Vec<(JobId, Arc<str>)>,
    /// Jobs that somebody here waits for, and that have ended.
    ended: Vec<Arc<Ticket>>,
    /// Jobs of which this engine can't be sure.
    doubtful: Vec<Arc<Ticket>>,
    /// Jobs that nobody here waits for, to be dropped outside of the lock.
    dropped: Vec<Arc<Ticket>>,
    /// The tasks of the jobs that were set aside.
    strange: HashSet<Arc<str>>,
    /// What is told to those who listen.
    events: Vec<(JobId, Arc<str>, State)>,
    /// Whether the store is to be asked what time brings.
    time: bool,
}

impl News {
    pub(super) fn new(reading: bool, takes_in: bool) -> Self {
        Self {
            reading,
            takes_in,
            ..Self::default()
        }
    }

    fn event(&mut self, job: &Standing) {
        if !self.reading {
            let task = Arc::clone(&job.spec.task);
            self.events.push((job.id, task, job.state));
        }
    }

    fn unwanted(&mut self, job: &Standing) {
        let stop = job.stop.iter().cloned();
        self.unwanted.extend(stop.map(|reason| (job.id, reason)));
    }
}

impl Inner {
    pub(super) fn tell_news(&self, news: News) {
        for (job, task, state) in news.events {
            let kind = || EventKind::State(state);
            self.events.emit_of(&*self.clock, job, || task, kind);
        }
        for attempt in &news.lost {
            self.stop_lost(attempt);
        }
        for (attempt, reason) in news.cancelled {
            self.cancel_attempt(&attempt, reason);
        }
        for (job, reason) in news.unwanted {
            drop(self.cancel(job, &reason));
        }
        for ticket in news.ended {
            self.reconcile(ticket);
        }
        for ticket in news.doubtful {
            self.recover(ticket);
        }
        drop(news.dropped);
        self.welcome_registered(news.strange);
        if news.time {
            self.driver.alarm(self.tick());
        }
        self.pump();
        self.look_around();
    }

    /// Another attempt of its job counts, or none: what this one does is recorded nowhere.
    pub(super) fn stop_lost(&self, attempt: &Arc<Attempt>) {
        let reason = "its lease was lost: its worker was not heard of for too long, and the job was \
                      given to others";
        let (kind, reason) = (StopKind::Lost, Arc::from(reason));
        self.ask(attempt, Stop { kind, reason });
    }

    /// The attempt has ended, or never begun, and its job was given to others: it may be this
    /// engine's turn again.
    pub(super) fn let_go_of_lost(&self, attempt: &Arc<Attempt>) {
        if let Some(deadline) = attempt.deadline() {
            self.driver.unwatch(deadline, attempt.key());
        }
        let known = {
            let mut dispatch = self.dispatch.lock();
            dispatch.release(attempt);
            dispatch.tickets.get(attempt.ticket.sequence()).cloned()
        };
        if let Some(ticket) = known {
            self.recover(ticket);
        }
        self.pump();
        self.look_around();
    }
}

impl Dispatch {
    /// The attempts here of which the store has not answered yet how they began, or ended.
    pub(super) fn unanswered_attempts(&self) -> HashMap<u64, Arc<Attempt>> {
        let running = self.running.iter().map(|(_, attempt)| attempt);
        let open = running.filter(|attempt| !attempt.is_answered());
        open.map(|attempt| (attempt.ticket.sequence(), Arc::clone(attempt)))
            .collect()
    }

    /// `mine` is the attempt of the job that is open here, `plan` how it would be run here.
    pub(super) fn look_at(
        &mut self,
        job: &Standing,
        mine: Option<&Arc<Attempt>>,
        plan: Option<Arc<Plan>>,
        news: &mut News,
    ) {
        if let Some(mine) = mine {
            look_at_attempt(job, mine, news);
            if !(job.state.is_terminal() && will_be_lost(mine)) {
                return;
            }
        }
        let known = self.tickets.get(job.sequence).cloned();
        if known.is_none() && (job.attempt > 0 || !news.reading) {
            // It may have begun here with its submit, which was not answered yet.
            let heard = Heard {
                attempt: job.attempt,
                over: job.state != State::Running,
                stop: job.stop.clone(),
            };
            self.early.hear(job.sequence, heard);
        }
        // A newer attempt has run here since.
        if known
            .as_ref()
            .is_some_and(|known| job.attempt < known.newest())
        {
            return;
        }
        match (job.state, known) {
            (state, known) if state.is_terminal() => {
                drop(known);
                self.has_ended(job, news);
            }
            (State::Running, known) => self.runs_elsewhere(job, known, news),
            (State::Queued, known) => self.is_queued(job, known, plan, news),
            (_, known) => self.waits(job, known, plan, news),
        }
    }

    fn has_ended(&mut self, job: &Standing, news: &mut News) {
        if !self.ends(job.sequence, news) {
            news.event(job);
        }
    }

    /// A job that was changed is not there any more: it had ended.
    pub(super) fn look_at_gone(
        &mut self,
        sequence: u64,
        mine: Option<&Arc<Attempt>>,
        news: &mut News,
    ) {
        if let Some(mine) = mine {
            mine.hear(u32::MAX, true);
            if !will_be_lost(mine) {
                return;
            }
            news.lost.push(Arc::clone(mine));
        }
        self.ends(sequence, news);
    }

    /// A job has ended elsewhere. Says whether somebody here waits for that.
    fn ends(&mut self, sequence: u64, news: &mut News) -> bool {
        let ticket = self.known(sequence);
        let wanted = ticket.as_ref().filter(|ticket| ticket.is_wanted(2));
        if let Some(wanted) = wanted {
            self.withdraw(wanted);
            news.ended.extend(ticket);
            return true;
        }
        // Its submitter may not have heard of it yet; that is noted too.
        news.dropped.extend(self.take_out(sequence));
        news.dropped.extend(ticket);
        false
    }

    fn runs_elsewhere(&mut self, job: &Standing, known: Option<Arc<Ticket>>, news: &mut News) {
        let Some(ticket) = known else {
            return self.stranger_runs(job, news);
        };
        if ticket.is_claim_open() {
            // It may be this engine's own, which was not told so.
            return news.doubtful.push(ticket);
        }
        if job.attempt <= ticket.newest() {
            // It ran here, and has ended since: with a retry, maybe, before the wish was heard.
            return news.unwanted(job);
        }
        self.withdraw(&ticket);
        if !ticket.is_own() && !ticket.is_wanted(2) {
            news.dropped.extend(self.tickets.remove(job.sequence));
        }
        news.event(job);
    }

    fn stranger_runs(&mut self, job: &Standing, news: &mut News) {
        if self.strangers.set_queued(job.sequence, false) {
            let strange = self.strangers.get(job.sequence);
            let wanted = |ticket: &Arc<Ticket>| ticket.is_own() || ticket.is_wanted(1);
            if strange.is_some_and(|job| !wanted(&job.ticket)) {
                let gone = self.strangers.remove(job.sequence);
                news.dropped.extend(gone.map(|job| job.ticket));
            }
        }
        news.event(job);
    }

    fn is_queued(
        &mut self,
        job: &Standing,
        known: Option<Arc<Ticket>>,
        plan: Option<Arc<Plan>>,
        news: &mut News,
    ) {
        news.time |= job.spec.expires.is_some();
        news.event(job);
        news.unwanted(job);
        let Some(ticket) = known else {
            return self.meet(job, plan, true, news);
        };
        plan.iter().for_each(|plan| ticket.give_plan(plan));
        self.withdraw(&ticket);
        self.offer(&ticket);
    }

    fn waits(
        &mut self,
        job: &Standing,
        known: Option<Arc<Ticket>>,
        plan: Option<Arc<Plan>>,
        news: &mut News,
    ) {
        news.time = true;
        news.event(job);
        news.unwanted(job);
        match known {
            // This engine may have queued it after the page was read: then the claim decides.
            Some(ticket) if ticket.queued_in() == self.progress.page => {}
            Some(ticket) => {
                self.withdraw(&ticket);
            }
            None if news.reading => self.meet(job, plan, false, news),
            // Whoever queues it when its time has come makes it known here.
            None => {
                self.strangers.set_queued(job.sequence, false);
            }
        }
    }

    /// Takes in a job of another that wasn't known here.
    ///
    /// Whatever is taken in must hear of its end, or be found out. An end that was handled here before
    /// is not told again, so each way in has an answer to that:
    /// - What a submit brings ([`Inner::accept`]), and what is taken in for a task that was registered
    ///   ([`Inner::welcome`]): ends are noted while that is under way ([`Early`]).
    /// - A page of what has not ended: our own ends are noted while pages are read. Others' are told as
    ///   changes once a page was read; what is here by then for another reason, and was not on a page,
    ///   is looked up when all were read ([`Progress::expect`]; after a gap, whatever was not on a page),
    ///   or when it arrives after that ([`Early::doubt`]).
    /// - A page of changes, or a promotion: our own end of the job may have overtaken it. It says that the
    ///   job is queued, so it is claimed, and the refused claim takes it out, or looks it up where
    ///   somebody waits for it ([`Dispatch::will_be_told`]). That is why such a page takes in no job
    ///   that waits for its time.
    /// - A look-up: it is looked up once more when its ticket is here ([`Inner::reconcile`]).
    ///
    /// [`Early`]: crate::engine::early::Early
    /// [`Early::doubt`]: crate::engine::early::Early::doubt
    /// [`Progress::expect`]: crate::engine::follow::Progress::expect
    fn meet(&mut self, job: &Standing, plan: Option<Arc<Plan>>, queued: bool, news: &mut News) {
        let fate = self.early.get(job.sequence);
        if fate == Some(Fate::Ended) {
            return;
        }
        let queued = queued || fate == Some(Fate::Queued);
        if !news.takes_in {
            self.strangers.set_queued(job.sequence, queued);
            return;
        }
        if plan.is_none() {
            news.strange.insert(Arc::clone(&job.spec.task));
        }
        let stranger = Stranger {
            ticket: Arc::new(Ticket::of_another(job.id, job.sequence)),
            spec: Arc::clone(&job.spec),
            queued,
        };
        self.welcome(stranger, plan);
    }
}

fn look_at_attempt(job: &Standing, mine: &Arc<Attempt>, news: &mut News) {
    mine.hear(job.attempt, job.state != State::Running);
    if mine.is_lost() {
        if !mine.is_closed() {
            news.lost.push(Arc::clone(mine));
        }
    } else if let Some(reason) = &job.stop {
        news.cancelled.push((Arc::clone(mine), Arc::clone(reason)));
    }
}

/// Whether an attempt whose job has ended without it is still to be told so; else the store's
/// answer about the attempt decides.
fn will_be_lost(mine: &Attempt) -> bool {
    mine.has_begun() && !mine.is_closed()
}
