//! What an engine finds in its store when it starts: jobs of an earlier process. Those whose task
//! it knows are taken in; the others are set aside until the task is registered.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::engine::dispatch::{Dispatch, Early};
use crate::engine::inner::Inner;
use crate::engine::plan::Plan;
use crate::engine::ticket::Ticket;
use crate::error::{Error, ErrorKind};
use crate::job::{JobInfo, Spec};
use crate::outcome::{AttemptEnd, End, Failure, OutcomeKind};
use crate::state::State;
use crate::store::{Backlog, Batch, Fenced, Finish, FinishedAttempt, LeftOver, LeftOvers, Next};

/// How many jobs are asked for at a time.
const PAGE: usize = 4_096;

/// A job that this engine can't run as it stands.
#[derive(Debug)]
pub(super) struct Stranger {
    /// What those hold who wait for it here.
    pub(super) ticket: Arc<Ticket>,
    spec: Arc<Spec>,
    /// Whether it is queued in the store, or waits for its time.
    queued: bool,
}

/// Jobs that this engine can't run as it stands, by their tasks.
#[derive(Debug, Default)]
pub(super) struct Strangers(HashMap<Arc<str>, BTreeMap<u64, Stranger>>);

impl Strangers {
    pub(super) fn get(&self, sequence: u64) -> Option<&Stranger> {
        self.0.values().find_map(|jobs| jobs.get(&sequence))
    }

    pub(super) fn remove(&mut self, sequence: u64) -> Option<Stranger> {
        self.0.values_mut().find_map(|jobs| jobs.remove(&sequence))
    }

    /// Its time has come; whether there is such a job here.
    pub(super) fn queue(&mut self, sequence: u64) -> bool {
        let mut all = self.0.values_mut();
        let found = all.find_map(|jobs| jobs.get_mut(&sequence));
        found.map(|job| job.queued = true).is_some()
    }

    fn add(&mut self, stranger: Stranger) {
        let jobs = self.0.entry(Arc::clone(&stranger.spec.task)).or_default();
        let queued = stranger.queued;
        // Somebody may hold the ticket of one that is here already.
        let job = jobs.entry(stranger.ticket.sequence()).or_insert(stranger);
        job.queued |= queued;
    }

    /// Takes out all that anybody may wait for.
    pub(super) fn take_all(&mut self) -> Vec<Arc<Ticket>> {
        let jobs = self.0.drain().flat_map(|(_, jobs)| jobs.into_values());
        jobs.map(|job| job.ticket).collect()
    }

    fn take_task(&mut self, task: &str) -> BTreeMap<u64, Stranger> {
        self.0.remove(task).unwrap_or_default()
    }
}

/// The plans of the specs of one page: many jobs have the same.
type Plans = HashMap<usize, Option<Arc<Plan>>>;

impl Inner {
    /// Takes in what is in the store already.
    pub(super) fn take_over(&self) {
        if !self.options.run || !self.store.capabilities().durable {
            return;
        }
        // Nobody may think that there is nothing to do; and what becomes of jobs that are on their
        // way here is noted.
        self.phase.set_out();
        self.dispatch.lock().delayed += 1;
        self.ask_for_page(0);
    }

    pub(super) fn ask_for_page(&self, after: u64) {
        let limit = PAGE;
        let reply = self.store.backlog(Backlog { after, limit });
        self.with_reply(reply, move |inner, page| match page {
            Ok(page) => inner.begin_page(after, page),
            Err(error) => inner.page_missing(after, &error),
        });
    }

    /// Asks for the page again once the store answers.
    fn page_missing(&self, after: u64, error: &Error) {
        if error.kind() == ErrorKind::Closed || !self.phase.is_open() {
            return self.end_backlog();
        }
        self.unanswered.keep_page(after);
        self.driver.retry_store(self.tick());
    }

    /// Gives back first what ran in a process that is gone.
    fn begin_page(&self, after: u64, page: LeftOvers) {
        let orphans = page.jobs.iter().filter(|job| job.orphaned);
        let attempts: Batch<FinishedAttempt> = orphans.map(given_back).collect();
        if attempts.is_empty() {
            return self.take_in_page(&page);
        }
        let now = self.now();
        let reply = self.store.finish(Finish { now, attempts });
        self.with_reply(reply, move |inner, fenced| match fenced {
            Ok(fenced) => inner.take_in_page(&requeued(page, &fenced)),
            Err(error) => inner.page_missing(after, &error),
        });
    }

    fn take_in_page(&self, page: &LeftOvers) {
        let mut plans = Plans::new();
        let waiting = page.jobs.iter().filter(|job| job.state != State::Running);
        let known: Vec<(&LeftOver, Option<Arc<Plan>>)> = waiting
            .map(|job| (job, self.plan_in(&mut plans, &job.spec)))
            .collect();
        {
            let mut dispatch = self.dispatch.lock();
            for (job, plan) in known {
                dispatch.take_over(job, plan);
            }
        }
        match page.next.filter(|_| self.phase.is_open()) {
            Some(after) => self.ask_for_page(after),
            None => self.end_backlog(),
        }
    }

    fn end_backlog(&self) {
        self.dispatch.lock().delay_known();
        self.pump();
        self.arrived();
    }

    fn plan_in(&self, plans: &mut Plans, spec: &Arc<Spec>) -> Option<Arc<Plan>> {
        let key = Arc::as_ptr(spec) as usize;
        let plan = plans.entry(key);
        plan.or_insert_with(|| self.plan_of(spec).ok()).clone()
    }

    /// Takes in the jobs that were waiting for this task to be registered.
    pub(super) fn welcome(&self, task: &str) {
        let strangers = self.dispatch.lock().strangers.take_task(task);
        if strangers.is_empty() {
            return;
        }
        let mut plans = Plans::new();
        let known: Vec<(Stranger, Option<Arc<Plan>>)> = strangers
            .into_values()
            .map(|job| {
                let plan = self.plan_in(&mut plans, &job.spec);
                (job, plan)
            })
            .collect();
        {
            let mut dispatch = self.dispatch.lock();
            for (job, plan) in known {
                dispatch.welcome(job, plan);
            }
        }
        self.pump();
    }

    /// The ticket of a job that had not ended when it was looked up. One that isn't here is another
    /// process's, or on its way here, or has ended since.
    pub(super) fn ticket_of_unfinished(&self, job: &JobInfo) -> Arc<Ticket> {
        let ticket = {
            let mut dispatch = self.dispatch.lock();
            if let Some(known) = dispatch.known(job.sequence) {
                return known;
            }
            let ticket = Arc::new(Ticket::of_another(job.id, job.sequence));
            dispatch.strangers.add(Stranger {
                ticket: Arc::clone(&ticket),
                spec: Arc::clone(&job.spec),
                queued: false,
            });
            ticket
        };
        // Whoever ends it from here on finds the ticket; that nobody did before must be made sure of.
        self.reconcile(Arc::clone(&ticket));
        ticket
    }

    /// Why this engine can't run a job that it has set aside.
    pub(super) fn why_strange(&self, job: &JobInfo) -> Option<Error> {
        let strange = self.dispatch.lock().strangers.get(job.sequence).is_some();
        strange.then(|| self.plan_of(&job.spec).err()).flatten()
    }
}

impl Dispatch {
    /// The ticket of a job that has not ended, where there is one here.
    fn known(&self, sequence: u64) -> Option<Arc<Ticket>> {
        let strange = || self.strangers.get(sequence).map(|job| &job.ticket);
        self.tickets.get(sequence).or_else(strange).cloned()
    }

    /// Takes in a job that the store had.
    fn take_over(&mut self, job: &LeftOver, plan: Option<Arc<Plan>>) {
        let early = self.early.remove(&job.sequence);
        if early == Some(Early::Ended) {
            return;
        }
        let queued = job.state == State::Queued || early == Some(Early::Queued);
        let stranger = Stranger {
            ticket: Arc::new(Ticket::of_another(job.id, job.sequence)),
            spec: Arc::clone(&job.spec),
            queued,
        };
        self.welcome(stranger, plan);
    }

    /// Takes in a job whose task is known now; one without a plan is set aside again.
    fn welcome(&mut self, job: Stranger, plan: Option<Arc<Plan>>) {
        match plan {
            Some(plan) => {
                job.ticket.give_plan(&plan);
                self.take_in(job.ticket, job.queued);
            }
            None => self.strangers.add(job),
        }
    }
}

/// The end of an attempt whose process is gone.
fn given_back(job: &LeftOver) -> FinishedAttempt {
    let failure = Failure::new("Lost", "the process that ran it ended without a word");
    FinishedAttempt {
        sequence: job.sequence,
        attempt: job.attempt,
        end: End::from(AttemptEnd::failed(OutcomeKind::Lost, failure)),
        next: Next::Requeue,
    }
}

/// The page with those queued that were given back.
fn requeued(mut page: LeftOvers, fenced: &[Fenced]) -> LeftOvers {
    let orphans = page.jobs.iter_mut().filter(|job| job.orphaned);
    for (job, fenced) in orphans.zip(fenced) {
        if *fenced == Fenced::Applied {
            job.state = State::Queued;
        }
    }
    page
}
