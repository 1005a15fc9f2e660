use std::sync::Arc;

use bursar_core::{
    Cancel, Cancelled, Deletion, Error, JobId, Payload, Ref, Spec, State, Submitted, Timestamp,
};
use rusqlite::{OptionalExtension, params};

use crate::books::Books;
use crate::codes::{outcome_code, state_of, stored};
use crate::declared;
use crate::error::Outcome;
use crate::payload;
use crate::sql;
use crate::submit::{New, id, micros};

/// Where a job stands.
struct Standing {
    sequence: u64,
    state: State,
    attempt: u32,
    spec: i64,
}

/// What a retry takes over.
struct Letter {
    state: State,
    spec: Arc<Spec>,
    unique: Option<String>,
    args: Payload,
}

impl Books<'_> {
    fn standing(&self, job: JobId) -> rusqlite::Result<Option<Standing>> {
        let sequence = job.counter();
        let mut statement = self.statement(sql::STANDING)?;
        let found = statement.query_row([stored(sequence)], |row| {
            let known = id(row.get(0)?, sequence, row.get(1)?);
            let standing = Standing {
                sequence,
                state: state_of(row.get(2)?)?,
                attempt: row.get(3)?,
                spec: row.get(4)?,
            };
            Ok((known == job).then_some(standing))
        });
        Ok(found.optional()?.flatten())
    }

    pub(crate) fn cancel(&mut self, request: &Cancel) -> Outcome<Cancelled> {
        let Some(job) = self.standing(request.id)? else {
            return Ok(Cancelled::NotFound);
        };
        let (sequence, attempt) = (job.sequence, job.attempt);
        match job.state {
            State::Running => {
                self.wish(&job, request)?;
                Ok(Cancelled::Running { sequence, attempt })
            }
            state if state.is_terminal() => Ok(Cancelled::Ended(state)),
            state => {
                self.end_waiting((sequence, state, attempt), &request.end, request.now)?;
                Ok(Cancelled::Done { sequence })
            }
        }
    }

    /// Asks whoever runs a job to stop it.
    fn wish(&mut self, job: &Standing, request: &Cancel) -> rusqlite::Result<()> {
        let failure = request.end.failure.as_ref();
        let reason = failure.map_or("cancelled", |failure| &failure.message);
        let sequence = stored(job.sequence);
        let mut set = self.statement(sql::SET_WISH)?;
        if set.execute((sequence, job.attempt, reason))? > 0 {
            self.changed(sequence, micros(request.now), State::Running, job.attempt)?;
        }
        Ok(())
    }

    /// Ends a job that waits as cancelled. That is the end of none of its attempts.
    pub(crate) fn end_waiting(
        &mut self,
        (sequence, state, attempt): (u64, State, u32),
        end: &bursar_core::End,
        now: Timestamp,
    ) -> Outcome<()> {
        let detail = declared::detail(end)?;
        if attempt > 0 {
            self.archive(sequence)?;
        }
        let mut statement = self.statement(sql::CANCEL_WAITING)?;
        statement.execute(params![
            stored(sequence),
            micros(now),
            self.result_ttl,
            outcome_code(end.kind),
            detail,
        ])?;
        let (_, forget) = self.left_behind(stored(sequence))?;
        self.blocks.ended(stored(sequence), 1, forget);
        self.moved(state, State::Cancelled);
        self.changed(stored(sequence), micros(now), State::Cancelled, attempt)?;
        Ok(())
    }

    pub(crate) fn retry(&mut self, request: &Ref) -> Outcome<Submitted> {
        let job = request.id;
        let letter = self.letter(job)?;
        let letter = letter.ok_or_else(|| Error::not_found(format!("there is no job {job}")))?;
        if letter.state != State::Failed {
            let state = letter.state;
            return Err(Error::conflict(format!(
                "job {job} is {state}: only a failed job can be retried"
            ))
            .into());
        }
        let again = New {
            spec: &letter.spec,
            args: payload::columns(&letter.args)?,
            unique: letter.unique.as_deref(),
            due: None,
            retry_of: Some(job),
            worker: None,
        };
        self.submit_one(&again, request.now)
    }

    fn letter(&mut self, job: JobId) -> rusqlite::Result<Option<Letter>> {
        let sequence = job.counter();
        let mut statement = self.statement(sql::DEAD_LETTER)?;
        let mut rows = statement.query([stored(sequence)])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        if id(row.get(0)?, sequence, row.get(1)?) != job {
            return Ok(None);
        }
        Ok(Some(Letter {
            state: state_of(row.get(2)?)?,
            spec: self.spec(row.get(3)?)?,
            unique: row.get(4)?,
            args: payload::read(row, 5)?,
        }))
    }

    pub(crate) fn delete(&mut self, request: &Ref) -> Outcome<Deletion> {
        match self.standing(request.id)? {
            None => Ok(Deletion::NotFound),
            Some(job) if !job.state.is_terminal() => Ok(Deletion::Unfinished(job.state)),
            Some(job) => {
                self.remove(stored(job.sequence), job.state, job.spec)?;
                Ok(Deletion::Done)
            }
        }
    }

    /// Removes a job that has ended, with everything that is said of it.
    pub(crate) fn remove(&mut self, sequence: i64, state: State, spec: i64) -> Outcome<()> {
        self.forget_outputs(sequence)?;
        self.statement(sql::DELETE_JOB)?.execute([sequence])?;
        self.removed(sequence, state, spec);
        Ok(())
    }
}
