//! Reading jobs, here and now.

use std::str::FromStr;
use std::sync::Arc;

use bursar::core::{Error, JobFilter, JobId, Payload, Priority, State};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::attempt::json_text;
use crate::engine::NativeEngine;
use crate::error::{Result, fault, internal};
use crate::snapshot::exit_of;
use crate::snapshot::job_json;
use crate::stream::SpilledResult;
use crate::token::Token;

/// Which jobs are meant.
#[napi(object)]
pub struct Filter {
    /// In one of these states.
    pub states: Vec<String>,
    /// Of this task.
    pub task: Option<String>,
    /// Of this priority.
    pub priority: Option<String>,
    /// With this unique key.
    pub unique: Option<String>,
}

/// Which page of them.
#[napi(object)]
pub struct Page {
    /// `newest` or `oldest` first.
    pub order: Option<String>,
    /// How many at most.
    pub limit: u32,
    /// How many to leave out first.
    pub offset: u32,
    /// Only those after this one.
    pub cursor: Option<String>,
}

/// The end of a job that is more than a number.
#[napi(object, object_from_js = false)]
pub struct EndFacts {
    /// What it ended with.
    pub outcome: String,
    /// What it returned, as JSON.
    pub result: Option<String>,
    /// What it returned, or threw, in another thread.
    pub cloned: Option<Buffer>,
    /// The file that what it returned is in.
    pub file: Option<SpilledResult>,
    /// The type of the error.
    pub kind: Option<String>,
    /// Its message.
    pub message: Option<String>,
    /// Its stack.
    pub traceback: Option<String>,
    /// The number of the error itself, where it is at hand.
    pub live: Option<i32>,
    /// What its process ended with, where it returned a code.
    pub exit_code: Option<i32>,
    /// The name of the signal that ended its process.
    pub signal: Option<String>,
}

#[napi]
impl NativeEngine {
    /// The id of a job that hasn't ended as far as JavaScript knows.
    #[napi(catch_unwind)]
    pub fn id_of(&self, job: u32) -> Result<String> {
        let tables = self.tables.borrow();
        let ticket = tables.jobs.get(job);
        ticket
            .map(|ticket| ticket.id().to_string())
            .ok_or_else(|| internal("no such job"))
    }

    /// The rest of an end that the outbox announced.
    #[napi(catch_unwind)]
    pub fn take_end(&self, job: u32) -> Result<EndFacts> {
        let ticket = self.tables.borrow_mut().jobs.take(job);
        let outcome = ticket.and_then(|ticket| ticket.outcome());
        let end = outcome
            .ok_or_else(|| internal("the job has not ended"))?
            .end;
        let failure = end.failure.as_ref();
        let thrown = failure.and_then(|failure| failure.live.as_host_bytes());
        let cloned = end.result.as_host_bytes().or(thrown);
        let is_text = matches!(end.result, Payload::Bytes(..));
        let file = end.result.as_spilled().map(SpilledResult::new);
        let (exit_code, signal) = failure.map_or((None, None), |failure| exit_of(failure));
        Ok(EndFacts {
            exit_code,
            signal,
            outcome: end.kind.as_str().to_owned(),
            result: is_text.then(|| json_text(&end.result)).transpose()?,
            cloned: cloned.map(|bytes| Buffer::from(bytes.to_vec())),
            file,
            kind: failure.map(|failure| failure.kind.clone()),
            message: failure.map(|failure| failure.message.clone()),
            traceback: failure.and_then(|failure| failure.traceback.clone()),
            live: failure.and_then(|failure| Token::number_of(&failure.live)),
        })
    }

    /// A snapshot of a job.
    #[napi(catch_unwind)]
    pub fn info(&self, id: String, logs: bool) -> Result<String> {
        let info = self.engine.info(parse(&id)?, logs).wait();
        info.map(|info| job_json(&info)).map_err(fault)
    }
}

pub(crate) fn job_filter(filter: Filter) -> Result<JobFilter> {
    let states: std::result::Result<Vec<State>, Error> =
        filter.states.iter().map(|state| state.parse()).collect();
    let priority = filter
        .priority
        .map(|priority| priority.parse::<Priority>())
        .transpose();
    Ok(JobFilter {
        states: states.map_err(fault)?,
        task: filter.task.map(Arc::from),
        priority: priority.map_err(|error| fault(Error::invalid(error.to_string())))?,
        unique: filter.unique.map(Arc::from),
    })
}

pub(crate) fn parse(id: &str) -> Result<JobId> {
    id.parse().map_err(fault)
}

pub(crate) fn parse_some<T: FromStr<Err = Error>>(text: Option<&str>) -> Result<Option<T>> {
    text.map(str::parse).transpose().map_err(fault)
}
