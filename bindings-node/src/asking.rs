//! Questions that don't keep the loop: a store on disk answers later, and a waiter is made ready then.

use std::sync::Arc;

use bursar::core::{Accepted, Batch, Cursor, Error, JobId, List, Order, Reply};
use napi_derive::napi;

use crate::engine::{NativeEngine, Seat};
use crate::error::{Result, fault};
use crate::query::{Filter, Page, job_filter, parse, parse_some};
use crate::snapshot::{job_json, page_json, stats_json, why_json};

/// The waiter of an engine that is closed: nobody makes one ready any more, nor does its store let anybody
/// wait.
const NOBODY: u32 = 0;

/// What a question was answered with, which is made text once the loop takes it; or why it wasn't.
pub(crate) type Answer = std::result::Result<Box<dyn FnOnce() -> String + Send>, Error>;

/// Each gives its answer as JSON where that is known at once, and nothing where `waiter` is made ready
/// for it.
#[napi]
impl NativeEngine {
    /// A snapshot of a job.
    #[napi(catch_unwind)]
    pub fn ask_info(&self, id: String, logs: bool, waiter: u32) -> Result<Option<String>> {
        let reply = self.engine.info(parse(&id)?, logs);
        self.ask(reply, waiter, |info| job_json(&info))
    }

    /// A page of jobs.
    #[napi(catch_unwind)]
    pub fn list(&self, filter: Filter, page: Page, waiter: u32) -> Result<Option<String>> {
        let request = List {
            filter: job_filter(filter)?,
            order: parse_some::<Order>(page.order.as_deref())?.unwrap_or_default(),
            limit: page.limit as usize,
            offset: page.offset as usize,
            after: parse_some::<JobId>(page.cursor.as_deref())?.map(Cursor),
        };
        self.ask(self.engine.list(request), waiter, |listed| {
            let next = listed.next.map(|cursor| cursor.0.to_string());
            page_json(&listed.jobs, next)
        })
    }

    /// How many jobs match.
    #[napi(catch_unwind)]
    pub fn count(&self, filter: Filter, waiter: u32) -> Result<Option<String>> {
        let reply = self.engine.count(job_filter(filter)?);
        self.ask(reply, waiter, |count| count.to_string())
    }

    /// Cancels a job; `false` if it had ended.
    #[napi(catch_unwind)]
    pub fn cancel(&self, id: String, reason: String, waiter: u32) -> Result<Option<String>> {
        let reply = self.engine.cancel(parse(&id)?, &reason);
        self.ask(reply, waiter, |cancelled| cancelled.to_string())
    }

    /// Cancels a job and ends its process at once; `false` if it had ended.
    #[napi(catch_unwind)]
    pub fn kill(&self, id: String, reason: String, waiter: u32) -> Result<Option<String>> {
        let reply = self.engine.kill(parse(&id)?, &reason);
        self.ask(reply, waiter, |killed| killed.to_string())
    }

    /// Freezes a job's process; `false` where it was paused already.
    #[napi(catch_unwind)]
    pub fn freeze(&self, id: String, waiter: u32) -> Result<Option<String>> {
        let reply = self.engine.pause(parse(&id)?);
        self.ask(reply, waiter, |paused| paused.to_string())
    }

    /// Lets a paused job go on; `false` where it wasn't paused.
    #[napi(catch_unwind)]
    pub fn thaw(&self, id: String, waiter: u32) -> Result<Option<String>> {
        let reply = self.engine.resume(parse(&id)?);
        self.ask(reply, waiter, |resumed| resumed.to_string())
    }

    /// Deletes a job that has ended.
    #[napi(catch_unwind)]
    pub fn delete(&self, id: String, waiter: u32) -> Result<Option<String>> {
        let reply = self.engine.delete(parse(&id)?);
        self.ask(reply, waiter, |()| "null".to_owned())
    }

    /// Why a job isn't running.
    #[napi(catch_unwind)]
    pub fn why(&self, id: String, waiter: u32) -> Result<Option<String>> {
        let reply = self.engine.why(parse(&id)?);
        self.ask(reply, waiter, |why| why_json(&why))
    }

    /// Job counts and the budget.
    #[napi(catch_unwind)]
    pub fn stats(&self, waiter: u32) -> Result<Option<String>> {
        self.ask(self.engine.stats(), waiter, |stats| stats_json(&stats))
    }

    /// What `waiter` was made ready for.
    #[napi(catch_unwind)]
    pub fn take_answer(&self, waiter: u32) -> Result<String> {
        let answer = self.answers.lock().remove(&waiter);
        // Where there is none, the end of the engine has woken everybody.
        let answer = answer.unwrap_or_else(|| Err(Error::closed()));
        answer.map(|text| text()).map_err(fault)
    }
}

/// Each says whether the job is there for `take_stored`; where it isn't, `waiter` is made ready for it.
#[napi]
impl NativeEngine {
    /// Finds the job `id`.
    #[napi(catch_unwind)]
    pub fn find(&self, id: String, waiter: u32) -> Result<bool> {
        let found = self.engine.ticket(parse(&id)?).map(|ticket| Accepted {
            ticket,
            deduplicated: false,
        });
        self.store(found.map(only), waiter)
    }

    /// Submits a dead letter again.
    #[napi(catch_unwind)]
    pub fn retry(&self, id: String, waiter: u32) -> Result<bool> {
        let retried = self.engine.retry(parse(&id)?);
        self.store(retried.map(only), waiter)
    }
}

impl Seat {
    fn ask<T: Send + 'static>(
        &self,
        reply: Reply<T>,
        waiter: u32,
        text: impl FnOnce(T) -> String + Send + 'static,
    ) -> Result<Option<String>> {
        if waiter == NOBODY || matches!(reply, Reply::Now(_)) {
            let answer = self.mailbox.bell.attend(|| reply.wait());
            return answer.map(|value| Some(text(value))).map_err(fault);
        }
        let (mailbox, answers) = (Arc::clone(&self.mailbox), Arc::clone(&self.answers));
        self.engine.on_reply(reply, move |answer| {
            let answer = answer.map(|value| Box::new(|| text(value)) as Box<_>);
            answers.lock().insert(waiter, answer);
            mailbox.waiter_ready(waiter);
        });
        Ok(None)
    }

    fn store(&self, reply: Reply<Batch<Accepted>>, waiter: u32) -> Result<bool> {
        if waiter == NOBODY || matches!(reply, Reply::Now(_)) {
            let jobs = reply.wait().map_err(fault)?;
            self.stored.lock().insert(waiter, Ok(jobs));
            return Ok(true);
        }
        self.store_later(reply, waiter);
        Ok(false)
    }
}

fn only(job: Accepted) -> Batch<Accepted> {
    std::iter::once(job).collect()
}
