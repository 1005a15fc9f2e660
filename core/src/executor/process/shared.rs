//! What a pool does: children come, get jobs, and are replaced.

use std::io;
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use super::child::{Child, Vacated};
use super::frame::Kind;
use super::judged::judged;
use super::link::{Hears, Link};
use super::message::Start;
use super::nurseries::Nurseries;
use super::nursery::{self, Family, Nursery};
use super::pool::PoolOptions;
use super::roster::Roster;
use super::template::ChildTemplate;
use super::turn::Turn;
use crate::engine::{Attempt, Reporter};
use crate::error::{Error, Result};
use crate::executor::Assignment;
use crate::outcome::{Ended, Failure};
use crate::process::Processes;
use crate::sandbox::{NO_SANDBOX, Sandbox};

/// A pool, as its children hold it.
pub(super) struct Shared {
    pub(super) this: Weak<Shared>,
    pub(super) options: PoolOptions,
    pub(super) processes: Arc<Processes>,
    pub(super) reporter: OnceLock<Reporter>,
    pub(super) template: Mutex<Option<Arc<ChildTemplate>>>,
    pub(super) nurseries: Mutex<Nurseries>,
    pub(super) roster: Mutex<Roster>,
    /// Held while prefetched jobs are sent, so that a child has them in the order that is known here.
    pub(super) handing: Mutex<()>,
    /// The process that it belongs to: a forked one has no part in it.
    pub(super) owner: u32,
}

impl Shared {
    /// Gives what waits to children, new ones where none is idle.
    pub(super) fn assign(&self) {
        let mut given = Vec::new();
        while let Some(seated) = self.seat_next() {
            match seated {
                Ok(child) => {
                    self.hand_over(&child);
                    given.push(child);
                }
                Err(assignment) => match assignment.stopped() {
                    Some(ended) => self.report(assignment.attempt, ended),
                    None => self.raise(assignment),
                },
            }
        }
        // Each has its job before any has more than that.
        given.iter().for_each(|child| self.fill(child));
    }

    /// Seats the next job that waits; back, where that is to stop, or no child is idle for it.
    fn seat_next(&self) -> Option<std::result::Result<Arc<Child>, Assignment>> {
        let mut roster = self.roster.lock();
        let assignment = roster.waiting.pop_front()?;
        Some(match assignment.stopped() {
            None => roster.seat(assignment),
            Some(_) => Err(assignment),
        })
    }

    /// Gives a child that was idle the job that it was chosen for; another one, where it has ended by now.
    pub(super) fn hand_over(&self, child: &Arc<Child>) {
        let Some(next) = child.take_next() else {
            // It was taken back, since it is asked to stop.
            child.run_on();
            return self.roster.lock().rest(Arc::clone(child));
        };
        if !self.give(child, &next) && child.leave(next.attempt.key()) {
            self.roster.lock().unseat(next);
        }
    }

    /// Sends a child its job; `false` where it doesn't get that, since it has ended.
    pub(super) fn give(&self, child: &Arc<Child>, assignment: &Assignment) -> bool {
        let attempt = &assignment.attempt;
        child.look_after(&self.processes, attempt);
        let sent = self.encode(assignment).and_then(|(start, args)| {
            let sent = child.link.send(Kind::Start, attempt.key(), [&start, args]);
            sent.map_err(too_long)
        });
        let sent = match sent {
            Ok(sent) => sent,
            Err(error) => {
                let failure = Failure::new("Invalid", error.message());
                self.settle(child, Ended::GaveUp(failure));
                return true;
            }
        };
        if attempt.stop_signal().is_set() {
            // It may have been asked before the child was known to have it.
            child.ask_to_stop(attempt);
        }
        if let Some(engine) = attempt.engine().filter(|_| sent) {
            child.open(attempt.key(), engine.tick());
        }
        sent
    }

    pub(super) fn encode<'a>(&self, assignment: &'a Assignment) -> Result<(Vec<u8>, &'a [u8])> {
        let attempt = &assignment.attempt;
        let engine = attempt.engine().ok_or_else(Error::closed)?;
        let task = attempt.ticket.plan().and_then(|plan| plan.task());
        let address = task.and_then(|task| task.address.as_deref()).ok_or_else(|| {
            Error::invalid(format!(
                "no other process finds the function of {:?}: declare it at the top of a module that can \
                 be imported",
                attempt.task()
            ))
        })?;
        let start = Start {
            attempt,
            address,
            encoded: attempt.encodes(),
            turn: match assignment.after {
                Some(_) => Turn::Next(attempt.timeout()),
                None => Turn::Now(
                    attempt
                        .deadline()
                        .map(|deadline| engine.now().after(deadline.since(engine.tick()))),
                ),
            },
        };
        start.encode(&assignment.args)
    }

    /// Starts a child for a job.
    fn raise(&self, assignment: Assignment) {
        let attempt = Arc::clone(&assignment.attempt);
        if let Err(error) = attempt.sandbox().check_places() {
            let failure = Failure::new(NO_SANDBOX, error.message());
            return self.report(attempt, Ended::Raised(failure));
        }
        let crowded_out = self.roster.lock().crowded_out();
        crowded_out.into_iter().for_each(dismiss);
        if let Err(error) = self.try_raise(assignment) {
            let message = format!("no process could be started for the job: {error}");
            self.roster.lock().free(attempt.key());
            self.report(
                attempt,
                Ended::Crashed(Failure::new("ProcessError", message)),
            );
        }
    }

    fn try_raise(&self, assignment: Assignment) -> io::Result<()> {
        let nursery = self.nursery(assignment.attempt.sandbox())?;
        let (ours, theirs) = socketpair(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )?;
        let number = self.roster.lock().next_number();
        let hears: Weak<dyn Hears> = self.this.clone();
        let link = Link::open(number, ours, self.processes.reactor()?, hears)?;
        let key = assignment.attempt.key();
        let child = Child::new(number, link, Arc::clone(&nursery), assignment);
        let child = Arc::new(child);
        self.roster.lock().welcome(Arc::clone(&child), key);
        let raised = nursery.raise(number, theirs);
        if raised.is_err() {
            self.roster.lock().bury(number);
            child.link.close();
        }
        raised
    }

    /// Where children come from now that are kept to `sandbox`.
    fn nursery(&self, sandbox: &Sandbox) -> io::Result<Arc<dyn Nursery>> {
        let open = |plainly| {
            if self.roster.lock().closed {
                return Err(io::Error::other("the engine is closed"));
            }
            let template = self.template.lock().clone();
            let template =
                template.ok_or_else(|| io::Error::other("it is not known what to start"))?;
            let family: Weak<dyn Family> = self.this.clone();
            nursery::open(&template, sandbox, plainly, &self.processes, family)
        };
        let (nursery, retired) = self.nurseries.lock().of(sandbox, open)?;
        if let Some(retired) = retired {
            let idle = self.roster.lock().idle_in(&retired.sandbox);
            idle.into_iter().for_each(dismiss);
        }
        Ok(nursery)
    }

    /// A job was taken back from a child that was not born yet, since it is asked to stop.
    pub(super) fn not_run(&self, assignment: Assignment) {
        self.roster.lock().free(assignment.attempt.key());
        let ended = assignment.stopped();
        let ended =
            ended.unwrap_or_else(|| Ended::Cancelled("it was stopped before it began".into()));
        self.report(assignment.attempt, ended);
    }

    /// The job of a child has ended while the child lives on.
    pub(super) fn settle(&self, child: &Arc<Child>, ended: Ended) {
        let begun = !matches!(ended, Ended::Released);
        let Some(Vacated { attempt, next }) = child.vacate(begun) else {
            return;
        };
        match &next {
            Some(next) => self.goes_on(child, &attempt, next),
            None => self.rests(child, &attempt),
        }
        let ended = judged(&attempt, ended);
        self.report(attempt, ended);
        if next.is_some() {
            self.fill(child);
        }
    }

    /// A child has no job any more: it waits for another one, or ends.
    fn rests(&self, child: &Arc<Child>, before: &Attempt) {
        let used_up = self.is_used_up(child);
        {
            let mut roster = self.roster.lock();
            roster.free(before.key());
            if !used_up {
                roster.rest(Arc::clone(child));
            }
        }
        if used_up {
            // It ends when it sees that.
            child.link.close();
        }
    }

    pub(super) fn is_used_up(&self, child: &Child) -> bool {
        child.is_used_up(self.options) || !self.nurseries.lock().has(&child.nursery)
    }

    pub(super) fn report(&self, attempt: Arc<Attempt>, ended: Ended) {
        if let Some(reporter) = self.reporter.get() {
            reporter.finish([(attempt, ended)]);
        }
    }

    pub(super) fn close(&self) {
        let children = self.roster.lock().dismiss();
        for child in &children {
            child.link.close();
            child.nursery.kill(child.number);
            // It may be one that has made room for another, and has not even begun.
            child.nursery.close();
        }
        let nurseries = self.nurseries.lock().close_all();
        nurseries.iter().for_each(|nursery| nursery.close());
    }
}

pub(super) fn too_long(error: io::Error) -> Error {
    Error::invalid(format!("the arguments can't be sent: {error}"))
}

/// It ends when it sees that nothing comes any more.
fn dismiss(child: Arc<Child>) {
    child.link.close();
}
