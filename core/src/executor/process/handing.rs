//! A pool gives jobs to children before their turn has come, and has them back.

use std::sync::Arc;

use super::child::Child;
use super::frame::{Kind, header};
use super::shared::{Shared, too_long};
use crate::engine::Attempt;
use crate::error::Result;
use crate::executor::Assignment;
use crate::limits::Isolation;
use crate::outcome::{Ended, Failure};

/// Jobs whose frames have more bytes than this aren't prefetched together: nothing is reserved for them.
const LARGEST: usize = 1 << 20;

/// An attempt and its end.
type End = (Arc<Attempt>, Ended);

impl Shared {
    /// Asks for what is to follow the job of a child.
    pub(super) fn fill(&self, child: &Child) {
        if let Some(reporter) = self.reporter.get()
            && let Some((attempt, most)) = child.room(self.options)
            && !self.is_used_up(child)
        {
            reporter.prefetch(&attempt, most);
        }
    }

    /// Sends children what is to begin at the end of what they run: all that one gets in one message.
    pub(super) fn hand_prefetched(&self) {
        let mut ended = Vec::new();
        {
            // Whoever comes later has what is to follow.
            let _order = self.handing.lock();
            let prefetched = std::mem::take(&mut self.roster.lock().prefetched);
            if prefetched.is_empty() {
                return;
            }
            let mut message = Message::default();
            for assignment in &prefetched {
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
        let fits = message.frames.len() + frame.len() <= LARGEST;
        if !fits
            && let Some(child) = assignment
                .after
                .and_then(|after| self.roster.lock().with_job(after))
        {
            child.stumbles();
        }
        let after = assignment
            .after
            .filter(|_| fits && assignment.stopped().is_none());
        let child = after.and_then(|after| self.roster.lock().queue_up(after, attempt));
        match child {
            Some(child) => message.add(child, attempt, &frame),
            None => return Some(not_begun(Arc::clone(attempt))),
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

    /// A child hands back jobs that it has not begun.
    pub(super) fn handed_back(&self, child: &Arc<Child>, keys: &[u64]) {
        child.hands_back();
        // The first of them may be taken for one that has begun: the others don't follow it.
        let mut never_begun = Vec::new();
        for key in keys.iter().rev() {
            match child.take_out(*key) {
                Some(attempt) => never_begun.push(attempt),
                None if child.runs(*key).is_some() => self.settle(child, Ended::Released),
                None => {}
            }
        }
        self.run_again(never_begun);
        child.pause_if_alone();
    }

    /// What a child had and has not begun is run again.
    pub(super) fn run_again(&self, attempts: Vec<Arc<Attempt>>) {
        {
            let mut roster = self.roster.lock();
            attempts
                .iter()
                .for_each(|attempt| roster.free(attempt.key()));
        }
        self.report_all(attempts.into_iter().map(not_begun).collect());
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
fn not_begun(attempt: Arc<Attempt>) -> End {
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
    attempts: Vec<Arc<Attempt>>,
    frames: Vec<u8>,
}

impl Message {
    /// Adds a frame for `child`; what there is for another one is sent.
    fn add(&mut self, child: Arc<Child>, attempt: &Arc<Attempt>, frame: &[u8]) {
        let same = self.to.as_ref().is_some_and(|to| to.number == child.number);
        if !same {
            self.send();
            self.to = Some(child);
        }
        self.attempts.push(Arc::clone(attempt));
        self.frames.extend_from_slice(frame);
    }

    fn send(&mut self) {
        let Some(child) = self.to.take() else { return };
        // Where it doesn't get them, it has ended: they are run again.
        child.link.send_all(&std::mem::take(&mut self.frames));
        let mut attempts = self.attempts.drain(..);
        if attempts.any(|attempt| attempt.stop_signal().is_set()) {
            // Whoever asked one to stop may have done so before it was known to be there.
            child.recall();
        }
    }
}
