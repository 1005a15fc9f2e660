//! From a call in JavaScript to a job.

use std::sync::Arc;

use bursar::core::{
    Accepted, Batch, Error, OptionValue, Payload, Plan, Reply, Style, Submission, TaskOptions,
};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::checks::{task, task_options};
use crate::engine::{NativeEngine, Pairs, Seat};
use crate::error::{Result, fault, internal};
use crate::token::Token;

/// The arguments of calls.
enum Calls {
    /// JSON text.
    Texts(Vec<String>),
    /// Bytes for another thread.
    Cloned(Vec<Buffer>),
    /// Numbers of live objects.
    Live(Vec<i32>),
}

impl Calls {
    fn new(live: Vec<i32>, texts: Option<Vec<String>>, cloned: Option<Vec<Buffer>>) -> Self {
        match (texts, cloned) {
            (Some(texts), _) => Self::Texts(texts),
            (None, Some(cloned)) => Self::Cloned(cloned),
            (None, None) => Self::Live(live),
        }
    }
}

#[napi]
impl NativeEngine {
    /// Registers a task and gives the number of its settled options. `module` is where workers
    /// find its function.
    #[napi(catch_unwind)]
    pub fn register(
        &self,
        name: String,
        options: Pairs<'_>,
        handler: u32,
        module: Option<String>,
    ) -> Result<u32> {
        if let Some(module) = &module {
            self.pool.know(handler, module);
        }
        let plan = self
            .engine
            .register(task(&name, options, handler, module.as_deref())?);
        Ok(self.tables.borrow_mut().plans.add(plan.map_err(fault)?))
    }

    /// Settles options over those of the task `name` and gives their number.
    #[napi(catch_unwind)]
    pub fn plan(&self, name: String, options: Pairs<'_>) -> Result<u32> {
        let plan = self.engine.plan(&name, &task_options(options)?);
        Ok(self.tables.borrow_mut().plans.add(plan.map_err(fault)?))
    }

    /// Whether jobs with these options could ever run.
    #[napi(catch_unwind)]
    pub fn check_plan(&self, plan: u32) -> Result<()> {
        self.plan_of(plan)?.check().map_err(fault)
    }

    /// Forgets settled options.
    #[napi(catch_unwind)]
    pub fn forget_plan(&self, plan: u32) {
        self.tables.borrow_mut().plans.remove(plan);
    }

    /// Submits a call whose arguments are too long for `exchange`. JavaScript knows the job as `job`
    /// from here on.
    #[napi(catch_unwind)]
    pub fn submit_cloned(&self, plan: u32, job: u32, args: &[u8]) -> Result<()> {
        let submission = Submission::new(self.plan_of(plan)?, Payload::host_bytes(args));
        for accepted in self.accept([submission])? {
            self.follow(job, accepted);
        }
        Ok(())
    }

    /// Submits many calls of one task, all of them or none. Gives the places of those that are
    /// earlier jobs.
    #[napi(catch_unwind)]
    pub fn submit_many(
        &self,
        plan: u32,
        jobs: Vec<u32>,
        args: Vec<i32>,
        texts: Option<Vec<String>>,
        uniques: Option<Vec<String>>,
        cloned: Option<Vec<Buffer>>,
    ) -> Result<Vec<u32>> {
        let calls = Calls::new(args, texts, cloned);
        let submissions = self.submissions(plan, calls, uniques)?;
        let accepted = self.accept(submissions)?;
        Ok(self.follow_all(accepted, jobs))
    }
}

/// The jobs that were made of calls, or why there are none.
pub(crate) type Stored = std::result::Result<Batch<Accepted>, Error>;

/// Submits that don't keep the loop: a store on disk answers after a sync, and all that is asked
/// meanwhile shares the next one.
#[napi]
impl NativeEngine {
    /// Submits calls of one task, all of them or none, and makes `waiter` ready once they are
    /// stored, or refused.
    #[napi(catch_unwind)]
    pub fn submit_stored(
        &self,
        plan: u32,
        texts: Vec<String>,
        uniques: Option<Vec<String>>,
        waiter: u32,
    ) -> Result<()> {
        let submissions = self.submissions(plan, Calls::Texts(texts), uniques)?;
        let reply = self.engine.submit(submissions);
        self.store_later(reply, waiter);
        Ok(())
    }

    /// What came of the calls that `waiter` waited for: JavaScript knows the jobs as `jobs` from
    /// here on. Gives the places of those that are earlier ones.
    #[napi(catch_unwind)]
    pub fn take_stored(&self, waiter: u32, jobs: Vec<u32>) -> Result<Vec<u32>> {
        let stored = self.stored.lock().remove(&waiter);
        // Where there is nothing, the end of the engine has woken everybody.
        let stored = stored.unwrap_or_else(|| Err(Error::closed()));
        Ok(self.follow_all(stored.map_err(fault)?, jobs))
    }
}

impl Seat {
    /// Makes `waiter` ready once jobs are stored, or refused.
    pub(crate) fn store_later(&self, reply: Reply<Batch<Accepted>>, waiter: u32) {
        let (mailbox, stored) = (Arc::clone(&self.mailbox), Arc::clone(&self.stored));
        self.engine.on_reply(reply, move |answer| {
            stored.lock().insert(waiter, answer);
            mailbox.waiter_ready(waiter);
        });
    }

    fn submissions(
        &self,
        plan: u32,
        calls: Calls,
        uniques: Option<Vec<String>>,
    ) -> Result<Vec<Submission>> {
        let plan = self.plan_of(plan)?;
        let args = self.payloads(calls).into_iter();
        let mut submissions: Vec<Submission> = args
            .map(|args| Submission::new(Arc::clone(&plan), args))
            .collect();
        for (submission, unique) in submissions.iter_mut().zip(uniques.unwrap_or_default()) {
            submission.unique = Some(checked_key(unique)?);
        }
        Ok(submissions)
    }

    /// Follows jobs under the numbers that JavaScript has for them; the places of earlier ones.
    fn follow_all(&self, accepted: impl IntoIterator<Item = Accepted>, jobs: Vec<u32>) -> Vec<u32> {
        let mut earlier = Vec::new();
        for ((place, accepted), job) in accepted.into_iter().enumerate().zip(jobs) {
            if accepted.deduplicated {
                earlier.push(place as u32);
            }
            self.follow(job, accepted);
        }
        earlier
    }

    fn payloads(&self, calls: Calls) -> Vec<Payload> {
        match calls {
            Calls::Texts(texts) => texts
                .into_iter()
                .map(|text| Payload::json(text.into_bytes()))
                .collect(),
            Calls::Cloned(all) => all
                .iter()
                .map(|bytes| Payload::host_bytes(&**bytes))
                .collect(),
            Calls::Live(numbers) => numbers
                .into_iter()
                .map(|number| Token::payload(number, &self.mailbox))
                .collect(),
        }
    }

    pub(crate) fn plan_of(&self, plan: u32) -> Result<Arc<Plan>> {
        let tables = self.tables.borrow();
        tables
            .plans
            .get(plan)
            .cloned()
            .ok_or_else(|| internal("no such plan"))
    }

    pub(crate) fn accept(
        &self,
        submissions: impl IntoIterator<Item = Submission>,
    ) -> Result<impl IntoIterator<Item = Accepted>> {
        let bell = &self.mailbox.bell;
        let accepted = bell.attend(|| self.engine.submit(submissions).wait());
        accepted.map_err(fault)
    }

    /// Tells JavaScript when the job that it knows as `job` has ended.
    pub(crate) fn follow(&self, job: u32, accepted: Accepted) {
        let ticket = accepted.ticket;
        let mailbox = Arc::clone(&self.mailbox);
        self.tables.borrow_mut().jobs.put(job, Arc::clone(&ticket));
        self.mailbox
            .bell
            .attend(|| ticket.on_done(move || mailbox.job_ended(job)));
    }
}

/// A key of one call, checked as the option of a task is.
fn checked_key(key: String) -> Result<Arc<str>> {
    let mut options = TaskOptions::default();
    let value = OptionValue::Text(key);
    options.set("unique", &value, Style::Camel).map_err(fault)?;
    options.unique.ok_or_else(|| internal("no key was set"))
}
