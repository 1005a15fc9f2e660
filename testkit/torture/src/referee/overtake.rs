//! A worker hangs with a job that takes long; another one takes the job over and is at it when the
//! first goes on, and ends its old attempt.

use std::cell::Cell;
use std::fs::File;
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

/// How long a job may wait to be given to another one: many leases.
const TAKEN: Duration = Duration::from_secs(8);

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
        let in_a_write = taken.is_none() && !is_free(drain, store)?;
        self.crew.freeze(worker, false)?;
        self.report.hung += 1;
        if in_a_write {
            // It has the turn to write, and nobody else can do anything.
            self.report.held += 1;
        } else if taken.is_none() {
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
            worker: None,
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
        drain.wait_until(TAKEN, |_| look().is_some())?;
        Ok(look())
    }
}

/// Whether anybody can have the turn to write: who hangs in the middle of a write keeps it.
fn is_free(drain: &Drain, store: &SqliteStore) -> Outcome<bool> {
    let mut path = store.path().as_os_str().to_owned();
    path.push("-lock");
    let turn = File::open(path)?;
    let free = Cell::new(false);
    drain.wait_until(TAKEN, |_| {
        free.set(turn.try_lock().is_ok());
        free.get()
    })?;
    Ok(free.get())
}
