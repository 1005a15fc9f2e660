use std::sync::Arc;

use bursar_core::{Batch, JobId, NewJob, Spec, State, Submit, Submitted, Timestamp};
use rusqlite::{OptionalExtension, params};

use crate::books::Books;
use crate::codes::{read, state_code, state_of, stored};
use crate::error::Outcome;
use crate::hot::Hot;
use crate::payload;
use crate::sql;

/// A job to insert.
pub(crate) struct New<'a> {
    pub(crate) spec: &'a Arc<Spec>,
    pub(crate) args: payload::Columns<'a>,
    pub(crate) unique: Option<&'a str>,
    pub(crate) due: Option<Timestamp>,
    pub(crate) retry_of: Option<JobId>,
    /// Who runs it from the start.
    pub(crate) worker: Option<&'a Arc<str>>,
}

impl<'a> New<'a> {
    fn of(job: &'a NewJob) -> Outcome<Self> {
        Ok(Self {
            spec: &job.spec,
            args: payload::columns(&job.args)?,
            unique: job.unique.as_deref(),
            due: job.due,
            retry_of: None,
            worker: job.worker.as_ref(),
        })
    }
}

impl Books<'_> {
    pub(crate) fn submit(&mut self, request: &Submit) -> Outcome<Batch<Submitted>> {
        // All of them or none: what could be refused is looked at before anything is written.
        let jobs: Batch<New<'_>> = request.jobs.iter().map(New::of).collect::<Outcome<_>>()?;
        let now = request.now;
        jobs.iter().map(|job| self.submit_one(job, now)).collect()
    }

    pub(crate) fn submit_one(&mut self, job: &New<'_>, now: Timestamp) -> Outcome<Submitted> {
        if let Some(key) = job.unique
            && let Some(earlier) = self.unfinished(key)?
        {
            return Ok(earlier);
        }
        self.insert(job, now)
    }

    /// The unfinished job with this key.
    fn unfinished(&self, key: &str) -> rusqlite::Result<Option<Submitted>> {
        let mut statement = self.statement(sql::UNFINISHED_BY_KEY)?;
        let found = statement.query_row([key], |row| {
            let sequence = read(row.get(0)?);
            let state = state_of(row.get(3)?)?;
            let due: Option<i64> = row.get(4)?;
            Ok(Submitted {
                id: id(row.get(1)?, sequence, row.get(2)?),
                sequence,
                state,
                due: due.map(time).filter(|_| state == State::Scheduled),
                keyed: true,
                deduplicated: true,
            })
        });
        found.optional()
    }

    fn insert(&mut self, job: &New<'_>, now: Timestamp) -> Outcome<Submitted> {
        let spec_id = self.spec_id(job.spec)?;
        let (sequence, id, noise) = self.next_id(now)?;
        let due = job.due.filter(|due| *due > now);
        let expired = job.spec.expires.is_some_and(|expires| expires.is_zero());
        let worker = job.worker.filter(|_| due.is_none() && !expired);
        let worker = worker.map(|name| self.worker_id(name)).transpose()?;
        let state = match (due, worker) {
            (Some(_), _) => State::Scheduled,
            (None, Some(_)) => State::Running,
            (None, None) => State::Queued,
        };
        let (spec, wake) = (job.spec, due.map(micros));
        let expires = spec.expires.filter(|_| worker.is_none());
        let handle = self.handle();
        let row = params![
            stored(sequence),
            spec_id,
            state_code(state),
            micros(now),
            noise.cast_signed(),
            handle,
            spec.result_ttl.map(duration),
            wake,
            wake,
            expires.map(|expires| micros(now.after(expires))),
            job.unique,
            job.retry_of.as_ref().map(JobId::as_bytes),
            job.args.0,
            job.args.1,
            u32::from(worker.is_some()),
            worker,
            worker.map(|_| micros(now)),
        ];
        self.hot.execute(Hot::InsertJob, row)?;
        self.added(stored(sequence), state, spec_id);
        if let Some(worker) = worker {
            self.note_start(sequence, worker);
        }
        self.changed(
            stored(sequence),
            micros(now),
            state,
            u32::from(worker.is_some()),
        )?;
        Ok(Submitted {
            id,
            sequence,
            state,
            due,
            keyed: job.unique.is_some(),
            deduplicated: false,
        })
    }
}

/// The id of the job that was submitted at `created`, in microseconds.
pub(crate) fn id(created: i64, sequence: u64, noise: i32) -> JobId {
    JobId::new(time(created), sequence, noise.cast_unsigned())
}

pub(crate) fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(read(micros))
}

/// A time as it stands in the file.
pub(crate) fn micros(time: Timestamp) -> i64 {
    stored(time.micros())
}

/// The longest duration in the file, so that a time and a duration can be added there.
const LONGEST: i64 = i64::MAX / 2;

/// A duration in microseconds, as it stands in the file.
pub(crate) fn duration(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_micros()).map_or(LONGEST, |micros| micros.min(LONGEST))
}
