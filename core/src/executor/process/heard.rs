//! What a pool hears of its children.

use std::sync::Arc;

use super::child::{Child, Vacated};
use super::frame::{Frame, Kind, Malformed};
use super::judged::judged;
use super::link::Hears;
use super::message::{Body, Breakage, reply};
use super::nursery::{Death, Family, Nursery};
use super::shared::Shared;
use crate::engine::Attempt;
use crate::error::{Error, Result};
use crate::outcome::{Ended, Exit, Failure, Measured};
use crate::payload::Payload;
use crate::process::Head;
use crate::sandbox::{NO_SANDBOX, SandboxParts};
use crate::store::Reply;

/// The number of the signal by which children are killed.
const KILLED: i32 = rustix::process::Signal::KILL.as_raw();

impl Shared {
    fn ended(&self, child: &Arc<Child>, attempt: &Attempt, body: &[u8]) -> Result<(), Malformed> {
        let end = Body(body).end(attempt.encodes())?;
        attempt.measure(Measured {
            peak_memory: end.peak_memory,
            cpu_time: end.cpu_time,
        });
        child.tells(end.left);
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
        if frame.kind == Kind::Breaks {
            child.breaks(Body(&frame.body).breakage()?);
            return Ok(());
        }
        if frame.kind == Kind::HandedBack {
            self.handed_back(child, &Body(&frame.body).keys()?);
            return Ok(());
        }
        let Some(attempt) = child.runs(frame.key) else {
            return refuse(child, frame);
        };
        match frame.kind {
            Kind::Spent => {
                child.replace();
                child.recall();
            }
            Kind::Lasts => {
                let had = Body(&frame.body).sizes()?;
                child.look_after_since(&self.processes, &attempt, had);
            }
            Kind::Loads => child.leave_alone(),
            Kind::Loaded => child.is_ready(&self.processes, &attempt),
            Kind::Ended => return self.ended(child, &attempt, &frame.body),
            _ => {
                let noted = noted(&attempt, frame)?;
                self.note(child, &attempt, noted);
            }
        }
        Ok(())
    }
}

/// Refuses a note about a job that the child doesn't run any more: the job has left something behind there.
fn refuse(child: &Child, frame: &Frame) -> Result<(), Malformed> {
    if frame.kind == Kind::Lasts {
        // Another thread of the child said so, and it ended meanwhile.
        return Ok(());
    }
    if !matches!(frame.kind, Kind::Progress | Kind::Log | Kind::Checkpoint) {
        return Err(Malformed(
            "a message about a job that it doesn't run".into(),
        ));
    }
    let over = reply(Err(Error::conflict("the job is over")));
    // A message is shorter than a frame can be.
    let _ = child.link.send(Kind::Reply, frame.key, [&over, &[]]);
    Ok(())
}

/// What became of a note.
fn noted(attempt: &Attempt, frame: &Frame) -> Result<Result<Reply<()>>, Malformed> {
    let body = Body(&frame.body);
    Ok(match frame.kind {
        Kind::Progress => {
            let (percent, message) = body.progress()?;
            attempt.progress(percent, message.as_deref())
        }
        Kind::Log => {
            let (level, message) = body.log()?;
            Ok(attempt.log(&level, &message))
        }
        _ => attempt.save_checkpoint(Payload::json(&*frame.body)),
    })
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
    fn kept_in(&self, child: u64, parts: SandboxParts) {
        let known = self.roster.lock().child(child);
        if let Some(child) = known {
            child.keep_in(parts);
        }
    }

    fn born(&self, child: u64, head: Head) {
        let known = self.roster.lock().child(child);
        let Some(child) = known else { return };
        let measured = self.options.max_memory_per_child.is_some();
        child.born(head, measured);
        let next = child.take_next();
        if child.end_if_doomed() {
            return;
        }
        match next {
            // One that ends at once is told of: another one would end as it did.
            Some(first) => {
                self.give(&child, &first);
                self.fill(&child);
            }
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
        if let Some(never_begun) = child.take_from_born() {
            self.roster.lock().unseat(never_begun);
            return self.assign();
        }
        let never_begun = child.take_out_all();
        let breakage = child.breakage();
        if let Some(Vacated { attempt, .. }) = child.vacate(true) {
            self.roster.lock().free(attempt.key());
            let ended = end_by(&child, &attempt, breakage, &death);
            let ended = judged(&attempt, ended);
            self.report(attempt, ended);
        }
        self.run_again(never_begun);
        drop(child.take_back());
    }

    fn deserted(&self, nursery: &Arc<dyn Nursery>, up: bool) {
        let gone = self.nurseries.lock().close(nursery, up);
        drop(gone);
    }
}

/// How the job of a child ended by that one's death.
fn end_by(child: &Child, job: &Attempt, breakage: Option<Breakage>, death: &Death) -> Ended {
    match (breakage, death) {
        // The job is run again.
        (Some(Breakage::OfEarlier), _) => Ended::Released,
        (Some(Breakage::OfJob(failure)), _) => Ended::Crashed(Failure {
            exit: death.exit(),
            ..failure
        }),
        (None, _) if child.was_killed_for_another(job.key()) => Ended::Released,
        (None, Death::NoSandbox(_)) => Ended::Raised(failure(death, child.fault())),
        (None, _) => Ended::Crashed(failure(death, child.fault())),
    }
}

fn failure(death: &Death, fault: Option<String>) -> Failure {
    let message = match (fault, death) {
        (Some(fault), Death::Exit(Exit::Signal(KILLED))) => {
            format!("the process of the job was killed: it sent {fault}")
        }
        (_, Death::Exit(exit)) => format!("the process of the job ended with {exit}"),
        (_, Death::Lost(why)) => format!("the process of the job was lost: {why}"),
        (_, Death::NoSandbox(why)) => format!("no process was started for the job: {why}"),
    };
    let kind = match death {
        Death::Exit(_) | Death::Lost(_) => "ProcessDied",
        Death::NoSandbox(_) => NO_SANDBOX,
    };
    Failure {
        exit: death.exit(),
        ..Failure::new(kind, message)
    }
}
