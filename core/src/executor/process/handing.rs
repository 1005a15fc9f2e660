//! A pool gives jobs to children before their turn has come, and takes them back.

use std::sync::Arc;

use super::child::Child;
use super::frame::{Kind, header};
use super::shared::{Shared, too_long};
use crate::engine::Attempt;
use crate::error::Result;
use crate::executor::Assignment;
use crate::limits::Isolation;
use crate::outcome::{Ended, Failure};

/// An attempt and its end.
type End = (Arc<Attempt>, Ended);

impl Shared {
    /// Asks for what is to follow the job of a child.
    pub(super) fn fill(&self, child: &Child) {
        if let Some(reporter) = self.reporter.get()
            && let Some((attempt, most)) = child.room(self.options)
        {
            reporter.prefetch(&attempt, most);
        }
    }

    /// Sends children what is to begin at the end of what they run: all that one gets in one message.
    pub(super) fn hand_ahead(&self) {
        let ahead = std::mem::take(&mut self.roster.lock().ahead);
        if ahead.is_empty() {
            return;
        }
        let mut ended = Vec::new();
        {
            let _order = self.handing.lock();
            let mut message = Message::default();
            for assignment in &ahead {
                ended.extend(self.queue_up(assignment, &mut message));
            }
            message.send();
        }
        self.report_all(ended);
    }

    /// Puts a job into a child's message; gives its end, where it can't be.
    fn queue_up(&self, assignment: &Assignment, message: &mut Message) -> Option<End> {
        let attempt = &assignment.attempt;
        let frame = match self.frame(assignment) {
            Ok(frame) => frame,
            Err(error) => {
                let failure = Failure::new("Invalid", error.message());
                return Some((Arc::clone(attempt), Ended::GaveUp(failure)));
            }
        };
        let before = assignment.behind?;
        let child = self.roster.lock().queue_up(before, attempt);
        match child {
            Some(child) => message.add(child, &frame),
            None => return Some(returned(Arc::clone(attempt))),
        }
        None
    }

    fn frame(&self, assignment: &Assignment) -> Result<Vec<u8>> {
        let (start, args) = self.encode(assignment)?;
        let key = assignment.attempt.key();
        let header = header(start.len() + args.len(), Kind::Start, key).map_err(too_long)?;
        Ok([&header, &*start, args].concat())
    }

    /// A child runs `next` by now, since the job `before` has ended.
    pub(super) fn goes_on(&self, child: &Child, before: &Attempt, next: &Arc<Attempt>) {
        self.roster.lock().free(before.key());
        next.isolate(Isolation::Sampling);
        if let Some(reporter) = self.reporter.get() {
            reporter.begins(next);
        }
        if next.stop_signal().is_set() {
            child.ask_to_stop(next);
        }
        if self.is_used_up(child) {
            child.recall();
        }
    }

    /// A child gives jobs back that it has not begun.
    pub(super) fn returned(&self, child: &Arc<Child>, keys: &[u64]) {
        // The first of them may be taken for one that has begun: the others don't follow it.
        let mut ended = Vec::new();
        for key in keys.iter().rev() {
            match child.return_one(*key) {
                Some(attempt) => ended.push(attempt),
                None if child.runs(*key).is_some() => self.settle(child, Ended::Released),
                None => {}
            }
        }
        self.give_back(ended);
        child.pause_if_alone();
    }

    /// What a child that has ended had not begun is run again.
    pub(super) fn give_back(&self, attempts: Vec<Arc<Attempt>>) {
        {
            let mut roster = self.roster.lock();
            attempts
                .iter()
                .for_each(|attempt| roster.free(attempt.key()));
        }
        self.report_all(attempts.into_iter().map(returned).collect());
    }

    fn report_all(&self, ended: Vec<End>) {
        if let Some(reporter) = self.reporter.get()
            && !ended.is_empty()
        {
            reporter.finish(ended);
        }
    }
}

/// How an attempt ended that never began.
fn returned(attempt: Arc<Attempt>) -> End {
    let stop = attempt.stopped();
    let ended = stop.map_or(Ended::Released, |stop| {
        Ended::Cancelled(stop.reason.to_string())
    });
    (attempt, ended)
}

/// Frames for one child.
#[derive(Default)]
struct Message {
    to: Option<Arc<Child>>,
    frames: Vec<u8>,
}

impl Message {
    /// Adds a frame for `child`; what there is for another one is sent.
    fn add(&mut self, child: Arc<Child>, frame: &[u8]) {
        let same = self.to.as_ref().is_some_and(|to| to.number == child.number);
        if !same {
            self.send();
            self.to = Some(child);
        }
        self.frames.extend_from_slice(frame);
    }

    fn send(&mut self) {
        if let Some(child) = self.to.take() {
            // Where it doesn't get them, it has ended: they are given back with it.
            child.link.send_all(&std::mem::take(&mut self.frames));
        }
    }
}
