//! A worker hangs with a job that takes long; another one takes the job over and is at it when the
//! first goes on, and ends its old attempt.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::{Get, JobId, JobInfo, NewJob, Payload, State, Store, Submit};
use bursar_store_sqlite::SqliteStore;

use crate::outcome::{Outcome, failed};
use crate::referee::drain::Drain;
use crate::referee::round::{PATIENCE, Round};
use crate::referee::store;

/// How long the job takes: longer than its worker hangs before it is given to another one.
const LONG: Duration = Duration::from_millis(1_600);

impl Round {
    /// The late end must change nothing; the promises that are looked at afterwards say whether it
    /// has.
    pub(super) fn overtake(&mut self, drain: &Drain, store: &SqliteStore) -> Outcome<()> {
        let Some(job) = self.submit_long(store)? else {
            return Ok(());
        };
        let Some(first) = self.runs(drain, store, job, 1)? else {
            return self.fault("stuck", "a long job did not begin");
        };
        let worker = self
            .crew
            .named(first.worker.as_deref().unwrap_or_default())?;
        self.crew.freeze(worker, true)?;
        let taken = self.runs(drain, store, job, 2)?;
        self.crew.freeze(worker, false)?;
        self.report.hung += 1;
        if taken.is_none() {
            self.fault(
                "waited",
                "a worker hung, and its job was not given to another one",
            )?;
        }
        self.all_end(drain, PATIENCE)
    }

    /// A job like one that is there, but long.
    fn submit_long(&mut self, store: &SqliteStore) -> Outcome<Option<JobId>> {
        let jobs = store::jobs(store)?;
        let Some(like) = jobs.first() else {
            return Ok(None);
        };
        let args = format!("[{},\"ok\"]", LONG.as_micros());
        let long = NewJob {
            spec: Arc::clone(&like.spec),
            args: Payload::json(args.into_bytes()),
            unique: None,
            due: None,
        };
        let (now, jobs) = (self.crew.now(), [long].into_iter().collect());
        let submitted = store.submit(Submit { now, jobs }).wait()?;
        match submitted.first() {
            Some(job) => Ok(Some(job.id)),
            None => failed("a submit was answered with nothing"),
        }
    }

    /// The job once it runs in this attempt; `None` where that doesn't come.
    fn runs(
        &self,
        drain: &Drain,
        store: &SqliteStore,
        id: JobId,
        attempt: u32,
    ) -> Outcome<Option<JobInfo>> {
        let logs = false;
        let look = || {
            let now = self.crew.now();
            let job = store.get(Get { now, id, logs }).wait().ok().flatten();
            job.filter(|job| job.state == State::Running && job.attempt == attempt)
        };
        drain.wait_until(PATIENCE, |_| look().is_some())?;
        Ok(look())
    }
}
