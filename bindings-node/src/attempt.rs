//! A running attempt: what its code asks and says, and ends that are more than a number.

use std::time::Duration;

use bursar::core::{Attempt, Ended, Engine, Exit, Failure, Payload, Reply, SlotPause};
use napi_derive::napi;

use crate::engine::NativeEngine;
use crate::error::{Result, fault, internal};
use crate::token::Token;

/// What a running attempt is.
#[napi(object)]
pub struct AttemptFacts {
    /// The id of the job.
    pub id: String,
    /// The name of the task.
    pub task: String,
    /// The number of the attempt, from 1.
    pub number: u32,
    /// The bytes reserved for it.
    pub memory: f64,
    /// When its timeout is over, in milliseconds since 1970.
    pub deadline: Option<f64>,
}

/// Why an attempt is asked to stop.
#[napi(object)]
pub struct StopFacts {
    /// `cancelled`, `timed_out` or `shutdown`.
    pub kind: String,
    /// In words.
    pub reason: String,
}

/// What a handler threw.
#[napi(object)]
pub struct Thrown {
    /// `raised`, `gave_up`, `retry` or `cancelled`; of a worker also `crashed` or `memory_exceeded`.
    pub how: String,
    /// The type of the error.
    pub kind: String,
    /// Its message.
    pub message: String,
    /// Its stack.
    pub traceback: Option<String>,
    /// The number of the error itself, where it may stay alive.
    pub live: Option<i32>,
    /// The delay that it asks for, in seconds.
    pub delay: Option<f64>,
    /// The exit code, where its worker ended with one.
    pub exit_code: Option<i32>,
}

#[napi]
impl NativeEngine {
    /// What the attempt is.
    #[napi(catch_unwind)]
    pub fn attempt_facts(&self, attempt: u32) -> Result<AttemptFacts> {
        let tables = self.tables.borrow();
        Ok(facts_of(&self.engine, tables.attempt(attempt)?))
    }

    /// The encoded arguments, once.
    #[napi(catch_unwind)]
    pub fn attempt_args(&self, attempt: u32) -> Result<String> {
        let mut tables = self.tables.borrow_mut();
        let running = tables.running.get_mut(attempt);
        let args = running.and_then(|running| running.args.take());
        json_text(&args.unwrap_or_default())
    }

    /// Why the attempt is asked to stop, if it is.
    #[napi(catch_unwind)]
    pub fn stop_facts(&self, attempt: u32) -> Result<Option<StopFacts>> {
        let tables = self.tables.borrow();
        Ok(stop_of(tables.attempt(attempt)?))
    }

    /// Says how far the attempt has come.
    #[napi(catch_unwind)]
    pub fn progress(&self, attempt: u32, percent: f64, message: Option<String>) -> Result<()> {
        let attempt = self.tables.borrow().attempt(attempt)?.clone();
        let reply = attempt.progress(percent, message.as_deref());
        let_go(&self.engine, reply.map_err(fault)?)
    }

    /// Logs a line.
    #[napi(catch_unwind)]
    pub fn log(&self, attempt: u32, level: String, message: String) -> Result<()> {
        let attempt = self.tables.borrow().attempt(attempt)?.clone();
        let_go(&self.engine, attempt.log(&level, &message))
    }

    /// The last checkpoint as JSON text.
    #[napi(catch_unwind)]
    pub fn checkpoint(&self, attempt: u32) -> Result<Option<String>> {
        let state = self.tables.borrow().attempt(attempt)?.checkpoint();
        state.map(|state| json_text(&state)).transpose()
    }

    /// Saves a checkpoint.
    #[napi(catch_unwind)]
    pub fn save_checkpoint(&self, attempt: u32, text: String) -> Result<()> {
        let attempt = self.tables.borrow().attempt(attempt)?.clone();
        let reply = attempt.save_checkpoint(Payload::json(text.into_bytes()));
        reply.and_then(|reply| reply.wait()).map_err(fault)
    }

    /// Gives the attempt's slot back while it waits for `job`.
    #[napi(catch_unwind)]
    pub fn pause(&self, attempt: u32, job: u32) -> Result<()> {
        self.resume(attempt);
        let (paused, awaited) = {
            let tables = self.tables.borrow();
            let awaited = tables.jobs.get(job).cloned();
            (tables.attempt(attempt)?.clone(), awaited)
        };
        let Some(awaited) = awaited else {
            return Ok(());
        };
        let pause = SlotPause::begin(&paused, &awaited).map_err(fault)?;
        if let Some(running) = self.tables.borrow_mut().running.get_mut(attempt) {
            running.pause = Some(pause);
        }
        Ok(())
    }

    /// Takes the slot again.
    #[napi(catch_unwind)]
    pub fn resume(&self, attempt: u32) {
        let mut tables = self.tables.borrow_mut();
        let running = tables.running.get_mut(attempt);
        let pause = running.and_then(|running| running.pause.take());
        drop(tables);
        drop(pause);
    }

    /// Notes that the handler returned this JSON text, for the next exchange.
    #[napi(catch_unwind)]
    pub fn returned_text(&self, attempt: u32, text: String) {
        self.note_end(attempt, Ended::Returned(Payload::json(text.into_bytes())));
    }

    /// Notes that the handler threw, for the next exchange.
    #[napi(catch_unwind)]
    pub fn threw(&self, attempt: u32, thrown: Thrown) -> Result<()> {
        let live = thrown
            .live
            .map(|number| Token::payload(number, &self.mailbox));
        let ended = ended_of(thrown, live.unwrap_or_default())?;
        self.note_end(attempt, ended);
        Ok(())
    }

    fn note_end(&self, attempt: u32, ended: Ended) {
        let mut tables = self.tables.borrow_mut();
        if let Some(running) = tables.end(attempt) {
            tables.ends.push((running.attempt, ended));
        }
    }
}

/// Encoded text of a payload that isn't live.
pub(crate) fn json_text(payload: &Payload) -> Result<String> {
    let bytes = payload
        .as_json()
        .ok_or_else(|| internal("a live object has no text"))?;
    String::from_utf8(bytes.to_vec()).map_err(|_| internal("a payload that is not UTF-8"))
}

/// What the attempt is.
pub(crate) fn facts_of(engine: &Engine, attempt: &Attempt) -> AttemptFacts {
    let clock = engine.clock();
    let deadline = attempt
        .deadline()
        .map(|deadline| clock.now().after(deadline.since(clock.tick())));
    AttemptFacts {
        id: attempt.job().to_string(),
        task: attempt.task().to_owned(),
        number: attempt.number(),
        memory: attempt.memory() as f64,
        deadline: deadline.map(|deadline| deadline.seconds() * 1_000.0),
    }
}

/// Why the attempt is asked to stop, if it is.
pub(crate) fn stop_of(attempt: &Attempt) -> Option<StopFacts> {
    attempt.stopped().map(|stop| StopFacts {
        kind: stop.kind.as_str().to_owned(),
        reason: stop.reason.to_string(),
    })
}

/// How an attempt ended that threw; `live` is what it threw.
pub(crate) fn ended_of(thrown: Thrown, live: Payload) -> Result<Ended> {
    let delay = thrown.delay.map(Duration::from_secs_f64);
    let failure = Failure {
        exit: thrown.exit_code.map(Exit::Code),
        kind: thrown.kind,
        message: thrown.message,
        traceback: thrown.traceback,
        live,
    };
    Ok(match thrown.how.as_str() {
        "raised" => Ended::Raised(failure),
        "gave_up" => Ended::GaveUp(failure),
        "retry" => Ended::Retry(delay, failure),
        "cancelled" => Ended::Cancelled(failure.message),
        "crashed" => Ended::Crashed(failure),
        "memory_exceeded" => Ended::MemoryExceeded(failure),
        _ => return Err(internal("unknown kind of end")),
    })
}

/// Lets a remark of a handler be written without keeping the loop for it; what is wrong with it
/// is told where that is known at once.
pub(crate) fn let_go(engine: &Engine, reply: Reply<()>) -> Result<()> {
    if let Reply::Now(_) = reply {
        return reply.wait().map_err(fault);
    }
    engine.on_reply(reply, drop);
    Ok(())
}
