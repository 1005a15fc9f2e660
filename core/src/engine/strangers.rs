//! Jobs in the store that this engine can't run as it stands: those whose task it doesn't know are
//! set aside until the task is registered.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::engine::dispatch::Dispatch;
use crate::engine::early::Fate;
use crate::engine::inner::Inner;
use crate::engine::plan::Plan;
use crate::engine::ticket::Ticket;
use crate::error::Error;
use crate::job::{JobInfo, Spec};

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
pub(super) struct Strangers(HashMap<Arc<str>, BTreeMap<u64, Stranger>>);

impl Strangers {
    pub(super) fn get(&self, sequence: u64) -> Option<&Stranger> {
        self.0.values().find_map(|jobs| jobs.get(&sequence))
    }

    pub(super) fn remove(&mut self, sequence: u64) -> Option<Stranger> {
        self.0.values_mut().find_map(|jobs| jobs.remove(&sequence))
    }

    /// Notes whether it is queued in the store; whether there is such a job here.
    pub(super) fn set_queued(&mut self, sequence: u64, queued: bool) -> bool {
        let mut all = self.0.values_mut();
        let found = all.find_map(|jobs| jobs.get_mut(&sequence));
        found.map(|job| job.queued = queued).is_some()
    }

    /// Adds a job. Gives the ticket that it has: one that is here already stays.
    pub(super) fn add(&mut self, stranger: Stranger) -> Arc<Ticket> {
        let jobs = self.0.entry(Arc::clone(&stranger.spec.task)).or_default();
        let queued = stranger.queued;
        let job = jobs.entry(stranger.ticket.sequence()).or_insert(stranger);
        job.queued |= queued;
        Arc::clone(&job.ticket)
    }

    /// All that anybody may wait for.
    pub(super) fn tickets(&self) -> impl Iterator<Item = &Arc<Ticket>> {
        let jobs = self.0.values().flat_map(BTreeMap::values);
        jobs.map(|job| &job.ticket)
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
            let ticket = Arc::new(Ticket::of_another(job.id, job.sequence));
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
}

impl Dispatch {
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
