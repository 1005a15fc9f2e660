//! The pool: what it is told by the engine, and by its children.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use super::child::Child;
use super::frame::{Frame, Kind, Malformed};
use super::link::{Hears, Link};
use super::message::{Body, Start, reply};
use super::nursery::{self, Death, Family, Nursery};
use super::roster::Roster;
use super::template::ChildTemplate;
use crate::engine::{Attempt, Reporter};
use crate::error::{Error, Result};
use crate::executor::{Assignment, Executor};
use crate::outcome::{Ended, Failure, Measured};
use crate::payload::Payload;
use crate::process::{Exit, Reactor, Warden};
use crate::store::Reply;

/// The number of the signal by which children are killed.
const KILLED: i32 = rustix::process::Signal::KILL.as_raw();

/// When children are replaced.
#[derive(Clone, Copy, Debug, Default)]
pub struct PoolOptions {
    /// After so many jobs; none: never.
    pub max_jobs_per_child: Option<u32>,
    /// Once they keep more than so many bytes after a job; none: never.
    pub max_memory_per_child: Option<u64>,
}

/// The executor of functions in processes of their own. It has as many children as attempts run at once,
/// which the engine's `concurrency` bounds; they come with the work.
pub struct ProcessPool {
    shared: Arc<Shared>,
}

struct Shared {
    this: Weak<Shared>,
    options: PoolOptions,
    reactor: Reactor,
    warden: Arc<Warden>,
    reporter: OnceLock<Reporter>,
    template: Mutex<Option<Arc<ChildTemplate>>>,
    nursery: Mutex<Nurseries>,
    roster: Mutex<Roster>,
    /// The process that it belongs to: a forked one has no part in it.
    owner: u32,
}

#[derive(Default)]
struct Nurseries {
    open: Option<Arc<dyn Nursery>>,
    /// Whether the last one ended before it could do anything.
    failed: bool,
}

impl ProcessPool {
    /// A pool without children, which come by `warden` and are heard by `reactor`.
    pub fn new(options: PoolOptions, warden: Arc<Warden>, reactor: Reactor) -> Self {
        let shared = Arc::new_cyclic(|this| Shared {
            this: Weak::clone(this),
            options,
            reactor,
            warden,
            reporter: OnceLock::new(),
            template: Mutex::default(),
            nursery: Mutex::default(),
            roster: Mutex::default(),
            owner: std::process::id(),
        });
        Self { shared }
    }

    /// Sets what children are made of that come from now on, but for those of a zygote that runs.
    pub fn make_of(&self, template: ChildTemplate) {
        *self.shared.template.lock() = Some(Arc::new(template));
    }
}

impl fmt::Debug for ProcessPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (idle, living) = self.shared.roster.lock().count();
        f.debug_struct("ProcessPool")
            .field("idle", &idle)
            .field("living", &living)
            .finish()
    }
}

impl Executor for ProcessPool {
    fn attach(&self, reporter: Reporter) {
        // An executor belongs to one engine: the first stays.
        let _ = self.shared.reporter.set(reporter);
    }

    fn start(&self, assignment: Assignment) {
        self.shared.roster.lock().waiting.push_back(assignment);
    }

    fn flush(&self) {
        self.shared.assign();
    }

    fn is_hungry(&self) -> bool {
        // What was started has its child as soon as it is flushed.
        true
    }

    fn stop(&self, attempt: &Arc<Attempt>) {
        let Some(child) = self.shared.roster.lock().with_job(attempt.key()) else {
            return;
        };
        if let Some(first) = child.take_back() {
            return self.shared.not_run(first);
        }
        let reason = attempt.stopped().map(|stop| stop.reason);
        let reason = reason.as_deref().unwrap_or_default().as_bytes();
        // A reason is shorter than a frame can be.
        let _ = child.link.send(Kind::Stop, attempt.key(), [reason, &[]]);
    }

    fn kill(&self, attempt: &Arc<Attempt>) -> bool {
        if let Some(child) = self.shared.roster.lock().with_job(attempt.key()) {
            child.kill_with(attempt.key());
        }
        // Where it has no child any more, its end is on its way.
        true
    }

    fn close(&self) {
        if std::process::id() == self.shared.owner {
            self.shared.close();
        }
    }
}

impl Drop for ProcessPool {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// Gives what waits to children, new ones where none is idle.
    fn assign(&self) {
        loop {
            let (assignment, child) = {
                let mut roster = self.roster.lock();
                let Some(assignment) = roster.waiting.pop_front() else {
                    return;
                };
                let child = match assignment.stopped() {
                    None => roster.seat(assignment.attempt.key()),
                    Some(_) => None,
                };
                (assignment, child)
            };
            if let Some(ended) = assignment.stopped().filter(|_| child.is_none()) {
                self.report(assignment.attempt, ended);
            } else if let Some(child) = child {
                child.occupy(&assignment.attempt);
                self.give(&child, &assignment);
            } else {
                self.raise(assignment);
            }
        }
    }

    /// Sends a child its job.
    fn give(&self, child: &Arc<Child>, assignment: &Assignment) {
        let attempt = &assignment.attempt;
        let sent = self.encode(assignment).and_then(|(start, args)| {
            let sent = child.link.send(Kind::Start, attempt.key(), [&start, args]);
            sent.map_err(|error| Error::invalid(format!("the arguments can't be sent: {error}")))
        });
        if let Err(error) = sent {
            self.settle(
                child,
                Ended::GaveUp(Failure::new("Invalid", error.message())),
            );
            return;
        }
        if attempt.stop_signal().is_set() {
            // It may have been asked before the child was known to have it.
            let reason = attempt.stopped().map(|stop| stop.reason);
            let reason = reason.as_deref().unwrap_or_default().as_bytes();
            let _ = child.link.send(Kind::Stop, attempt.key(), [reason, &[]]);
        }
    }

    fn encode<'a>(&self, assignment: &'a Assignment) -> Result<(Vec<u8>, &'a [u8])> {
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
            deadline: attempt.deadline().map_or(0, |deadline| {
                engine.now().after(deadline.since(engine.tick())).micros()
            }),
        };
        start.encode(&assignment.args)
    }

    /// Starts a child for a job.
    fn raise(&self, assignment: Assignment) {
        let attempt = Arc::clone(&assignment.attempt);
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
        let nursery = self.nursery()?;
        let (ours, theirs) = socketpair(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )?;
        let number = self.roster.lock().next_number();
        let hears: Weak<dyn Hears> = self.this.clone();
        let link = Link::open(number, ours, &self.reactor, hears)?;
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

    /// Where children come from now.
    fn nursery(&self) -> io::Result<Arc<dyn Nursery>> {
        let mut nurseries = self.nursery.lock();
        if let Some(open) = &nurseries.open {
            return Ok(Arc::clone(open));
        }
        if self.roster.lock().closed {
            return Err(io::Error::other("the engine is closed"));
        }
        let template = self.template.lock().clone();
        let template = template.ok_or_else(|| io::Error::other("it is not known what to start"))?;
        let family: Weak<dyn Family> = self.this.clone();
        let opened = nursery::open(
            &template,
            nurseries.failed,
            &self.warden,
            &self.reactor,
            family,
        )?;
        nurseries.open = Some(Arc::clone(&opened));
        Ok(opened)
    }

    /// A job was taken back from a child that was not born yet, since it is asked to stop.
    fn not_run(&self, assignment: Assignment) {
        self.roster.lock().free(assignment.attempt.key());
        let ended = assignment.stopped();
        let ended =
            ended.unwrap_or_else(|| Ended::Cancelled("it was stopped before it began".into()));
        self.report(assignment.attempt, ended);
    }

    /// The job of a child has ended while the child lives on.
    fn settle(&self, child: &Arc<Child>, ended: Ended) {
        let Some(attempt) = child.vacate() else {
            return;
        };
        let options = self.options;
        let used_up = child.is_used_up(options.max_jobs_per_child, options.max_memory_per_child);
        {
            let mut roster = self.roster.lock();
            roster.free(attempt.key());
            if !used_up {
                roster.rest(Arc::clone(child));
            }
        }
        if used_up {
            // It ends when it sees that.
            child.link.close();
        }
        self.report(attempt, ended);
    }

    fn report(&self, attempt: Arc<Attempt>, ended: Ended) {
        if let Some(reporter) = self.reporter.get() {
            reporter.finish([(attempt, ended)]);
        }
    }

    fn ended(&self, child: &Arc<Child>, attempt: &Attempt, body: &[u8]) -> Result<(), Malformed> {
        let end = Body(body).end(attempt.encodes())?;
        attempt.measure(Measured {
            peak_memory: end.peak_memory,
            cpu_time: end.cpu_time,
        });
        self.settle(child, end.ended);
        Ok(())
    }

    /// Takes a note, and tells the child what became of it.
    fn note(&self, child: &Arc<Child>, attempt: &Attempt, noted: Result<Reply<()>>) {
        let (link, key) = (Arc::clone(&child.link), attempt.key());
        let answer = move |answer: Result<()>| {
            // A message is shorter than a frame can be.
            let _ = link.send(Kind::Reply, key, [&reply(answer), &[]]);
        };
        match (noted, attempt.engine()) {
            (Err(error), _) => answer(Err(error)),
            (Ok(reply), Some(engine)) => engine.with_reply(reply, move |_, result| answer(result)),
            (Ok(_), None) => answer(Err(Error::closed())),
        }
    }

    fn frame_of(&self, child: &Arc<Child>, frame: &Frame) -> Result<(), Malformed> {
        let Some(attempt) = child.runs(frame.key) else {
            return Err(Malformed(
                "a message about a job that it doesn't run".into(),
            ));
        };
        let body = Body(&frame.body);
        let noted = match frame.kind {
            Kind::Progress => {
                let (percent, message) = body.progress()?;
                attempt.progress(percent, message.as_deref())
            }
            Kind::Log => {
                let (level, message) = body.log()?;
                Ok(attempt.log(&level, &message))
            }
            Kind::Checkpoint => attempt.save_checkpoint(Payload::json(&*frame.body)),
            _ => return self.ended(child, &attempt, &frame.body),
        };
        self.note(child, &attempt, noted);
        Ok(())
    }

    fn close(&self) {
        let children = self.roster.lock().dismiss();
        for child in &children {
            child.link.close();
            child.nursery.kill(child.number);
        }
        // With it goes the zygote, and whatever is left of its children.
        let nursery = self.nursery.lock().open.take();
        drop(nursery);
    }
}

impl Hears for Shared {
    fn frame(&self, child: u64, frame: Frame) {
        let known = self.roster.lock().child(child);
        if let Some(child) = known
            && let Err(fault) = self.frame_of(&child, &frame)
        {
            child.condemn(Some(fault.0));
        }
    }

    fn malformed(&self, child: u64, what: Malformed) {
        let known = self.roster.lock().child(child);
        if let Some(child) = known {
            child.condemn(Some(what.0));
        }
    }

    fn ended(&self, child: u64) {
        let known = self.roster.lock().child(child);
        if let Some(child) = known {
            // Where it has ended, there is nothing left to be killed.
            child.condemn(None);
        }
    }
}

impl Family for Shared {
    fn born(&self, child: u64, pid: u32) {
        let known = self.roster.lock().child(child);
        let Some(child) = known else { return };
        let measured = self.options.max_memory_per_child.is_some();
        match child.born(pid, measured) {
            Some(first) => self.give(&child, &first),
            None => {
                self.roster.lock().rest(child);
                self.assign();
            }
        }
    }

    fn died(&self, child: u64, death: Death) {
        let known = self.roster.lock().child(child);
        let Some(child) = known else { return };
        // It may have ended its job before it ended itself.
        child.link.read_rest();
        child.link.close();
        self.roster.lock().bury(child.number);
        if let Some(attempt) = child.vacate() {
            self.roster.lock().free(attempt.key());
            let failure = failure(&death, child.fault());
            self.report(attempt, Ended::Crashed(failure));
        }
        drop(child.take_back());
    }

    fn deserted(&self, nursery: &Arc<dyn Nursery>, up: bool) {
        let mut nurseries = self.nursery.lock();
        nurseries.failed = !up;
        let gone = nurseries.open.take_if(|open| Arc::ptr_eq(open, nursery));
        drop(nurseries);
        drop(gone);
    }
}

fn failure(death: &Death, fault: Option<String>) -> Failure {
    let message = match (fault, death) {
        (Some(fault), Death::Exit(Exit::Signal(KILLED))) => {
            format!("the process of the job was killed: it sent {fault}")
        }
        (_, Death::Exit(exit)) => format!("the process of the job ended with {exit}"),
        (_, Death::Lost(why)) => format!("the process of the job was lost: {why}"),
    };
    Failure::new("ProcessDied", message)
}
