//! Jobs in the store that this engine can't run as it stands: those whose task it doesn't know,
//! whoever has submitted them, are set aside until the task is registered.

use std::collections::btree_map::{BTreeMap, Entry};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::engine::dispatch::Dispatch;
use crate::engine::early::Fate;
use crate::engine::inner::Inner;
use crate::engine::plan::Plan;
use crate::engine::ticket::Ticket;
use crate::error::Error;
use crate::job::{JobInfo, Spec};
use crate::state::State;

/// A job that this engine can't run as it stands.
#[derive(Debug)]
pub(super) struct Stranger {
    /// What those hold who wait for it here.
    pub(super) ticket: Arc<Ticket>,
    pub(super) spec: Arc<Spec>,
    /// Whether it is queued in the store.
    pub(super) queued: bool,
}

/// Jobs that this engine can't run as it stands, by their tasks.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    tasks: HashMap<Arc<str>, BTreeMap<u64, Stranger>>,
    /// How many of them this engine has submitted.
    own: usize,
}

impl Strangers {
    pub(super) fn get(&self, sequence: u64) -> Option<&Stranger> {
        self.tasks.values().find_map(|jobs| jobs.get(&sequence))
    }

    pub(super) fn remove(&mut self, sequence: u64) -> Option<Stranger> {
        let mut all = self.tasks.values_mut();
        let removed = all.find_map(|jobs| jobs.remove(&sequence))?;
        self.own -= usize::from(removed.ticket.is_own());
        Some(removed)
    }

    /// Notes whether it is queued in the store; whether there is such a job here.
    pub(super) fn set_queued(&mut self, sequence: u64, queued: bool) -> bool {
        let mut all = self.tasks.values_mut();
        let found = all.find_map(|jobs| jobs.get_mut(&sequence));
        found.map(|job| job.queued = queued).is_some()
    }

    /// Notes that a job of this engine is queued in the store, and gives it.
    pub(super) fn queue_own(&mut self, sequence: u64) -> Option<Arc<Ticket>> {
        let mut all = self.tasks.values_mut();
        let job = all.find_map(|jobs| jobs.get_mut(&sequence))?;
        job.queued |= job.ticket.is_own();
        Some(Arc::clone(&job.ticket)).filter(|ticket| ticket.is_own())
    }

    /// Adds a job. Gives the ticket that it has: one that is here already stays.
    pub(super) fn add(&mut self, stranger: Stranger) -> Arc<Ticket> {
        let task = Arc::clone(&stranger.spec.task);
        let (own, queued) = (stranger.ticket.is_own(), stranger.queued);
        let jobs = self.tasks.entry(task).or_default();
        let job = match jobs.entry(stranger.ticket.sequence()) {
            Entry::Vacant(free) => {
                self.own += usize::from(own);
                free.insert(stranger)
            }
            Entry::Occupied(known) => {
                let known = known.into_mut();
                if own && !known.ticket.is_own() {
                    known.ticket.make_own();
                    self.own += 1;
                }
                known.queued |= queued;
                known
            }
        };
        Arc::clone(&job.ticket)
    }

    /// Whether this engine has submitted none of them.
    pub(super) fn are_of_others(&self) -> bool {
        self.own == 0
    }

    /// How many of them this engine has submitted.
    pub(super) fn own(&self) -> usize {
        self.own
    }

    /// All that anybody may wait for.
    pub(super) fn tickets(&self) -> impl Iterator<Item = &Arc<Ticket>> {
        let jobs = self.tasks.values().flat_map(BTreeMap::values);
        jobs.map(|job| &job.ticket)
    }

    /// Takes out all that anybody may wait for.
    pub(super) fn take_all(&mut self) -> Vec<Arc<Ticket>> {
        self.own = 0;
        let jobs = self.tasks.drain().flat_map(|(_, jobs)| jobs.into_values());
        jobs.map(|job| job.ticket).collect()
    }

    fn take_task(&mut self, task: &str) -> BTreeMap<u64, Stranger> {
        let jobs = self.tasks.remove(task).unwrap_or_default();
        self.own -= jobs.values().filter(|job| job.ticket.is_own()).count();
        jobs
    }
}

/// The plans of the specs of one page: many jobs have the same.
#[derive(Debug, Default)]
pub(super) struct Plans(HashMap<usize, Option<Arc<Plan>>>);

impl Inner {
    pub(super) fn plan_in(&self, plans: &mut Plans, spec: &Arc<Spec>) -> Option<Arc<Plan>> {
        let key = Arc::as_ptr(spec) as usize;
        let plan = plans.0.entry(key);
        plan.or_insert_with(|| self.plan_of(spec).ok()).clone()
    }

    /// Takes in the jobs that were waiting for this task to be registered.
    pub(super) fn welcome(&self, task: &str) {
        // Nobody may think that there are none.
        self.phase.set_out();
        self.take_in_strangers(task);
        self.arrived();
    }

    fn take_in_strangers(&self, task: &str) {
        let (strangers, number) = {
            let mut dispatch = self.dispatch.lock();
            let strangers = dispatch.strangers.take_task(task);
            if strangers.is_empty() {
                return;
            }
            // They are nowhere for a moment.
            (strangers, dispatch.early.begin())
        };
        let mut plans = Plans::default();
        let known: Vec<(Stranger, Option<Arc<Plan>>)> = strangers
            .into_values()
            .map(|job| {
                let plan = self.plan_in(&mut plans, &job.spec);
                (job, plan)
            })
            .collect();
        let (mut ended, mut doubtful) = (Vec::new(), Vec::new());
        {
            let mut dispatch = self.dispatch.lock();
            let doubt = dispatch.early.is_doubtful(number);
            for (job, plan) in known {
                if dispatch.early.get(job.ticket.sequence()) == Some(Fate::Ended) {
                    ended.push(job.ticket);
                } else {
                    let ticket = dispatch.welcome(job, plan);
                    doubtful.extend(doubt.then_some(ticket));
                }
            }
            dispatch.early.end(number);
        }
        for ticket in ended {
            self.tell_of_end(ticket);
        }
        for ticket in doubtful {
            self.recover(ticket);
        }
        self.pump();
    }

    /// Takes in those of these tasks that were registered while their jobs were set aside.
    pub(super) fn welcome_registered(&self, mut tasks: HashSet<Arc<str>>) {
        {
            let registered = self.tasks.read();
            tasks.retain(|task| registered.contains_key(task));
        }
        for task in tasks {
            self.welcome(&task);
        }
    }

    /// The ticket of a job that had not ended when it was looked up. One that isn't here is another
    /// process's, or on its way here, or has ended since.
    pub(super) fn ticket_of_unfinished(&self, job: &JobInfo) -> Arc<Ticket> {
        let ticket = {
            let mut dispatch = self.dispatch.lock();
            if let Some(known) = dispatch.known(job.sequence) {
                return known;
            }
            let ticket = Arc::new(Ticket::of_stranger(job.id, job.sequence, &job.spec));
            dispatch.progress.expect(&ticket);
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

    /// Takes in a job of this engine's whose task was registered while it was set aside.
    pub(super) fn welcome_own(&self, ticket: &Ticket) {
        if ticket.plan().is_none()
            && let Some(spec) = ticket.spec()
            && self.registered(&spec.task).is_some()
        {
            self.welcome(&spec.task);
        }
    }

    /// Sets a job aside that a submit of this engine has found, where it can't run it.
    pub(super) fn set_aside_found(&self, ticket: &Arc<Ticket>, job: &JobInfo) {
        if ticket.plan().is_some() || self.plan_of(&job.spec).is_ok() {
            return;
        }
        {
            let mut dispatch = self.dispatch.lock();
            let known = dispatch.tickets.get(job.sequence);
            if !known.is_some_and(|known| Arc::ptr_eq(known, ticket) && known.plan().is_none()) {
                return;
            }
            drop(dispatch.tickets.remove(job.sequence));
            dispatch.strangers.add(Stranger {
                ticket: Arc::clone(ticket),
                spec: Arc::clone(&job.spec),
                queued: job.state == State::Queued,
            });
        }
        self.welcome_registered(HashSet::from([Arc::clone(&job.spec.task)]));
    }
}

impl Dispatch {
    /// Sets a job of this engine aside, whose task isn't known here.
    pub(super) fn set_aside(&mut self, ticket: Arc<Ticket>, queued: bool) -> Arc<Ticket> {
        let Some(spec) = ticket.spec().cloned() else {
            return ticket;
        };
        self.strangers.add(Stranger {
            ticket,
            spec,
            queued,
        })
    }

    /// The ticket of a job that has not ended, where there is one here.
    pub(super) fn known(&self, sequence: u64) -> Option<Arc<Ticket>> {
        let strange = || self.strangers.get(sequence).map(|job| &job.ticket);
        self.tickets.get(sequence).or_else(strange).cloned()
    }

    /// Takes in a job of another; one without a plan is set aside. Gives the ticket that it has here.
    pub(super) fn welcome(&mut self, job: Stranger, plan: Option<Arc<Plan>>) -> Arc<Ticket> {
        let brought = Arc::clone(&job.ticket);
        let kept = match plan {
            Some(plan) => {
                job.ticket.give_plan(&plan);
                self.take_in(job.ticket, job.queued)
            }
            None => self.strangers.add(job),
        };
        // It may have come here in another way while it was set aside, and be waited for in both.
        if !Arc::ptr_eq(&kept, &brought) && brought.is_wanted(1) {
            kept.tell_too(brought);
        }
        kept
    }
}
