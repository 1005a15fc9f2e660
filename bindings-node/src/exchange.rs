//! The one call of each turn of the loop: what has ended goes in, what to do comes out, both as
//! numbers in the same array, which JavaScript owns; values for and of other threads as bytes in
//! another.
//!
//! Both hold operations: a kind and its numbers, as `In` and `Out` of the TypeScript half name them.

use std::sync::Arc;

use bursar::core::{
    Assignment, Attempt, Ended, Handler, HostEvent, JobId, Payload, State, Submission,
};
use napi_derive::napi;

use crate::engine::Seat;
use crate::error::Result;
use crate::pool::Order;
use crate::seats;
use crate::tables::{Running, Tables};
use crate::token::Token;

/// The kinds of operations in the inbox.
mod inbox {
    /// plan, job, live arguments: a call
    pub(super) const SUBMIT: i32 = 1;
    /// attempt, live result: the handler returned it
    pub(super) const RETURN: i32 = 2;
    /// attempt: the handler returned nothing
    pub(super) const DONE: i32 = 3;
    /// plan, job, length: a call whose arguments are the next so many bytes
    pub(super) const SUBMIT_CLONED: i32 = 4;
}

/// So many calls are submitted together at most: others get at the engine in between.
const CALLS: usize = 1_024;

/// The kinds of operations in the outbox, and how many numbers each has at most, itself included.
mod op {
    /// attempt, handler, live arguments or -1
    pub(super) const START: i32 = 1;
    /// attempt
    pub(super) const STOP: i32 = 2;
    /// job, state, kind, live result or length, four numbers of the id
    pub(super) const END: i32 = 3;
    /// waiter
    pub(super) const READY: i32 = 4;
    /// live object
    pub(super) const RELEASE: i32 = 5;
    /// There is more: exchange again.
    pub(super) const MORE: i32 = 6;
    /// worker, the MiB of its heap or 0: to be started
    pub(super) const HIRE: i32 = 7;
    /// worker: to be ended
    pub(super) const DISMISS: i32 = 8;
    /// Whether jobs still wait for workers is to be looked at a little later.
    pub(super) const LOOK: i32 = 9;
    pub(super) const LONGEST: usize = 9;
}

/// What an end brings.
mod brings {
    pub(super) const NOTHING: i32 = 0;
    pub(super) const LIVE: i32 = 1;
    /// To be fetched with `take_end`.
    pub(super) const DETAILS: i32 = 2;
    /// The next bytes, as many as the number says.
    pub(super) const CLONED: i32 = 3;
}

/// An array of JavaScript's that is written to.
pub(crate) type Numbers<'a> = &'a mut [i32];

/// One of bytes.
pub(crate) type Bytes<'a> = &'a mut [u8];

/// The outbox while it is filled.
struct Outbox<'a> {
    numbers: &'a mut [i32],
    length: usize,
    bytes: &'a mut [u8],
    used: usize,
}

impl Outbox<'_> {
    /// Whether another operation, and then the last one, surely fit.
    fn has_room(&self) -> bool {
        self.room() > 0
    }

    /// How many operations surely fit, and then the last one.
    fn room(&self) -> usize {
        (self.numbers.len() - self.length).saturating_sub(1) / op::LONGEST
    }

    fn push<const N: usize>(&mut self, operation: [i32; N]) {
        self.numbers[self.length..self.length + N].copy_from_slice(&operation);
        self.length += N;
    }

    /// Puts bytes behind those that are there, where they fit.
    fn write(&mut self, bytes: &[u8]) -> bool {
        let end = self.used + bytes.len();
        let room = self.bytes.get_mut(self.used..end);
        let fits = room.is_some();
        if let Some(room) = room {
            room.copy_from_slice(bytes);
            self.used = end;
        }
        fits
    }
}

/// The inbox while it is read.
struct Inbox<'a> {
    numbers: &'a [i32],
    bytes: &'a [u8],
}

impl Inbox<'_> {
    /// The next so many bytes.
    fn read(&mut self, length: i32) -> Payload {
        let length = usize::try_from(length).unwrap_or(0);
        let (bytes, rest) = self.bytes.split_at_checked(length).unwrap_or_default();
        self.bytes = rest;
        Payload::host_bytes(bytes)
    }
}

/// Calls that are submitted together, and the numbers of their jobs.
#[derive(Default)]
struct Calls {
    submissions: Vec<Submission>,
    numbers: Vec<u32>,
}

impl Calls {
    fn add(&mut self, submission: Submission, job: u32) {
        self.submissions.push(submission);
        self.numbers.push(job);
    }
}

/// The one call of each turn. Reports the first `count` numbers of `numbers`, with the `bytes` that
/// they tell of, fills both from their beginnings, and gives the number of numbers there then.
#[napi(catch_unwind)]
pub(crate) fn exchange(
    engine: u32,
    numbers: Numbers<'_>,
    count: u32,
    bytes: Bytes<'_>,
) -> Result<u32> {
    let seat = seats::find(engine)?;
    let bell = &seat.mailbox.bell;
    bell.answer();
    let length = bell.attend(|| {
        seat.report(Inbox {
            numbers: numbers.get(..count as usize).unwrap_or_default(),
            bytes,
        })?;
        let mut outbox = Outbox {
            numbers,
            length: 0,
            bytes,
            used: 0,
        };
        seat.fill(&mut outbox);
        Ok(outbox.length)
    });
    length.map(|length| length as u32)
}

/// Reports the first `count` numbers of `inbox`, with the `bytes` that they tell of, before the loop
/// looks.
#[napi(catch_unwind)]
pub(crate) fn flush(engine: u32, inbox: &[i32], count: u32, bytes: &[u8]) -> Result<()> {
    let seat = seats::find(engine)?;
    let numbers = inbox.get(..count as usize).unwrap_or_default();
    let inbox = Inbox { numbers, bytes };
    seat.mailbox.bell.attend(|| seat.report(inbox))
}

impl Seat {
    fn report(&self, mut inbox: Inbox<'_>) -> Result<()> {
        let mut ends = std::mem::take(&mut self.tables.borrow_mut().ends);
        let mut calls = Calls::default();
        loop {
            inbox.numbers = match *inbox.numbers {
                [inbox::SUBMIT, plan, job, args, ref rest @ ..] => {
                    let args = Token::payload(args as u32, &self.mailbox);
                    self.call(&mut calls, (plan, job), args)?;
                    rest
                }
                [inbox::SUBMIT_CLONED, plan, job, length, ref rest @ ..] => {
                    let args = inbox.read(length);
                    self.call(&mut calls, (plan, job), args)?;
                    rest
                }
                [inbox::RETURN, attempt, value, ref rest @ ..] => {
                    let value = Token::payload(value as u32, &self.mailbox);
                    ends.extend(self.end(attempt as u32, value));
                    rest
                }
                [inbox::DONE, attempt, ref rest @ ..] => {
                    ends.extend(self.end(attempt as u32, Payload::Null));
                    rest
                }
                _ => break,
            };
        }
        self.send(&mut calls)?;
        if !ends.is_empty() {
            self.lane.finish(ends);
        }
        Ok(())
    }

    fn call(&self, calls: &mut Calls, (plan, job): (i32, i32), args: Payload) -> Result<()> {
        let submission = Submission::new(self.plan_of(plan as u32)?, args);
        calls.add(submission, job as u32);
        match calls.numbers.len() {
            CALLS => self.send(calls),
            _ => Ok(()),
        }
    }

    fn end(&self, attempt: u32, result: Payload) -> Option<(Arc<Attempt>, Ended)> {
        let running = self.tables.borrow_mut().end(attempt)?;
        Some((running.attempt, Ended::Returned(result)))
    }

    fn send(&self, calls: &mut Calls) -> Result<()> {
        if calls.numbers.is_empty() {
            return Ok(());
        }
        let accepted = self.accept(std::mem::take(&mut calls.submissions))?;
        for (accepted, job) in accepted.into_iter().zip(calls.numbers.drain(..)) {
            self.follow(job, accepted);
        }
        Ok(())
    }

    fn fill(&self, outbox: &mut Outbox<'_>) {
        let tables = &mut *self.tables.borrow_mut();
        while outbox.has_room() {
            match self.lane.take() {
                Some(HostEvent::Start(assignment)) => start(tables, assignment, outbox),
                Some(HostEvent::Stop(attempt)) => {
                    if let Some(number) = tables.keys.get(&attempt.key()) {
                        outbox.push([op::STOP, *number as i32]);
                    }
                }
                None => break,
            }
        }
        self.fill_with_orders(outbox);
        self.fill_from_mailbox(tables, outbox);
        if !(self.lane.is_empty() && self.mailbox.is_empty()) || self.pool.has_orders() {
            outbox.push([op::MORE]);
        }
    }

    fn fill_with_orders(&self, outbox: &mut Outbox<'_>) {
        while outbox.has_room() {
            match self.pool.order() {
                Some(Order::Hire { worker, limit }) => {
                    outbox.push([op::HIRE, worker as i32, limit as i32]);
                }
                Some(Order::Dismiss { worker }) => outbox.push([op::DISMISS, worker as i32]),
                Some(Order::Look) => outbox.push([op::LOOK]),
                None => break,
            }
        }
    }

    /// Objects are released last: an end may still have to hand one over.
    fn fill_from_mailbox(&self, tables: &mut Tables, outbox: &mut Outbox<'_>) {
        let mut numbers = std::mem::take(&mut tables.taken);
        self.mailbox.ended.take(outbox.room(), &mut numbers);
        for job in numbers.drain(..) {
            end(tables, job, outbox);
        }
        self.mailbox.ready.take(outbox.room(), &mut numbers);
        for waiter in numbers.drain(..) {
            outbox.push([op::READY, waiter as i32]);
        }
        self.mailbox.released.take(outbox.room(), &mut numbers);
        for object in numbers.drain(..) {
            outbox.push([op::RELEASE, object as i32]);
        }
        tables.taken = numbers;
    }
}

fn start(tables: &mut Tables, assignment: Assignment, outbox: &mut Outbox<'_>) {
    let Some(&Handler::Host(handler)) = assignment.handler() else {
        return;
    };
    let Assignment { attempt, args, .. } = assignment;
    let key = attempt.key();
    let live = Token::number_of(&args);
    let number = tables.running.add(Running {
        attempt,
        args: live.is_none().then_some(args),
        pause: None,
    });
    tables.keys.insert(key, number);
    let args = live.map_or(-1, |live| live as i32);
    outbox.push([op::START, number as i32, handler as i32, args]);
}

fn end(tables: &mut Tables, job: u32, outbox: &mut Outbox<'_>) {
    let Some(ticket) = tables.jobs.get(job) else {
        return;
    };
    let Some(outcome) = ticket.outcome() else {
        return;
    };
    let (brings, live) = match outcome.state {
        State::Completed => result(&outcome.end.result, outbox),
        _ => (brings::DETAILS, 0),
    };
    let [a, b, c, d] = words(ticket.id());
    let state = outcome.state as i32;
    outbox.push([op::END, job as i32, state, brings, live as i32, a, b, c, d]);
    if brings != brings::DETAILS {
        tables.jobs.take(job);
    }
}

/// What a result is, and its number.
fn result(result: &Payload, outbox: &mut Outbox<'_>) -> (i32, u32) {
    if matches!(result, Payload::Null) {
        return (brings::NOTHING, 0);
    }
    if let Some(number) = Token::number_of(result) {
        return (brings::LIVE, number);
    }
    match result.as_host_bytes() {
        Some(bytes) if outbox.write(bytes) => (brings::CLONED, bytes.len() as u32),
        _ => (brings::DETAILS, 0),
    }
}

/// An id as four numbers.
fn words(id: JobId) -> [i32; 4] {
    let bytes = id.as_bytes();
    std::array::from_fn(|word| {
        let at = word * 4;
        i32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    })
}
