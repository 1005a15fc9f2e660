//! The line to a pool, as a child holds it that runs this library itself.
//!
//! Two threads of the child use it: one runs jobs, and looks itself whenever it is about to wait for
//! something; the other waits for what comes while the first one is elsewhere.

mod given;
mod nudge;
mod said;
#[cfg(test)]
mod tests;
mod turns;
mod usage;
mod watching;

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SendFlags, send};
use rustix::process::{Signal, getpid, kill_process};

use super::frame::{Frame, Inbox, Kind, LARGEST_RESULT, Read, Sender, header};
use super::message::Body;
use crate::clock::{Clock, SystemClock, Tick};
use crate::error::{Error, Result};
use crate::outcome::{Ended, Failure, Measured};
use crate::payload::Payload;

pub use given::{ChildJob, ChildStop};
use nudge::Nudge;
use said::{Said, said, text};
use turns::Turns;
use usage::Usage;

/// How long whoever runs a job is given to look itself.
const LATER: Duration = Duration::from_millis(1);

/// A value of at most so many bytes is sent with what is said of it.
const SHORT: usize = 1 << 14;

/// How long a process whose pool has let it go may take to end by itself.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The line to a pool.
pub struct ChildLine {
    socket: OwnedFd,
    /// Held while something is sent.
    sending: Mutex<()>,
    state: Mutex<State>,
    clock: SystemClock,
    /// Has the thread that waits look how long it may.
    nudge: Nudge,
    usage: Usage,
    /// Whoever runs jobs doesn't look any more.
    left: Condvar,
}

struct State {
    inbox: Inbox,
    turns: Turns,
    /// For what kind of reason the job of this key is asked to stop.
    reason: Option<(u64, String)>,
    stop: Option<(u64, ChildStop)>,
    reply: Option<(u64, Result<()>)>,
    /// Whether nothing comes any more.
    over: bool,
    /// Whether no job runs.
    away: bool,
    /// Whether the thread that runs jobs waits for something.
    attended: bool,
    /// Whether the other one waits no longer than it may.
    timed: bool,
}

/// What there is to do.
#[derive(Debug)]
pub enum ChildNext {
    /// Run this.
    Job(ChildJob),
    /// Nothing now.
    Nothing,
    /// Nothing any more: the pool has let go of this process.
    Never,
}

impl ChildLine {
    /// The line on the descriptor that a child is started with, [`CHILD_SOCKET`](crate::CHILD_SOCKET).
    ///
    /// # Errors
    /// Those of the system, which may have no descriptor left.
    pub fn new(socket: OwnedFd) -> io::Result<Self> {
        let state = State {
            inbox: Inbox::of(Sender::Pool),
            turns: Turns::default(),
            reason: None,
            stop: None,
            reply: None,
            over: false,
            away: true,
            attended: false,
            timed: false,
        };
        Ok(Self {
            socket,
            sending: Mutex::default(),
            state: Mutex::new(state),
            clock: SystemClock::new(),
            nudge: Nudge::new()?,
            usage: Usage::new(),
            left: Condvar::new(),
        })
    }

    /// Takes the next job, for which it waits as long as `patience`. No job runs meanwhile.
    pub fn next(&self, patience: Duration) -> ChildNext {
        let mut state = self.state.lock();
        if state.turns.is_empty() {
            state = self.wait_for_job(state, patience);
        }
        let job = match state.over {
            false => state.turns.take(&self.usage, &self.clock),
            true => None,
        };
        let over = state.over;
        state.away = job.is_none();
        if state.away {
            self.left.notify_one();
        }
        self.tell_news(state);
        match job {
            Some(job) => {
                self.usage.forget_peak();
                ChildNext::Job(job)
            }
            None if over => ChildNext::Never,
            None => ChildNext::Nothing,
        }
    }

    fn wait_for_job<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        patience: Duration,
    ) -> MutexGuard<'a, State> {
        if !patience.is_zero() {
            state.attended = true;
            drop(state);
            self.wait_for_more(Some(patience));
            state = self.state.lock();
            state.attended = false;
        }
        self.look(&mut state);
        state
    }

    /// Why the job `key` is asked to stop, if it is.
    pub fn stopped(&self, key: u64) -> Option<ChildStop> {
        let state = self.state.lock();
        let (of, stop) = state.stop.as_ref()?;
        (*of == key).then(|| stop.clone())
    }

    /// Whether a result can be sent.
    ///
    /// # Errors
    /// `Invalid` for one that is larger than the pool takes, 256 MiB.
    pub fn check(result: &Payload) -> Result<()> {
        let length = said::content(result)?.1.len();
        if length <= LARGEST_RESULT {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "the result has {length} bytes: a process can send at most {LARGEST_RESULT}; write it to a file \
             and return its path"
        )))
    }

    /// Says how a job has ended; `peak_memory`, by how many bytes this process has grown for it at most, is 0
    /// where that isn't known.
    ///
    /// # Errors
    /// `Invalid` for a result that only this process can use: then nothing was said.
    pub fn end(&self, key: u64, ended: &Ended, peak_memory: u64) -> Result<()> {
        let used = Measured {
            peak_memory,
            cpu_time: self.usage.processor_time(),
        };
        let Said { head, value } = said(ended, used)?;
        self.state.lock().turns.attend();
        self.tell(Kind::Ended, key, &head, value);
        Ok(())
    }

    /// Says how far a job has come.
    ///
    /// # Errors
    /// The engine's.
    pub fn progress(&self, key: u64, percent: f64, message: Option<&str>) -> Result<()> {
        let mut body = percent.to_le_bytes().to_vec();
        if let Some(message) = message {
            body.push(1);
            body.extend(text(message));
        }
        self.note(Kind::Progress, key, &body)
    }

    /// Logs a line of a job.
    ///
    /// # Errors
    /// The engine's.
    pub fn log(&self, key: u64, level: &str, message: &str) -> Result<()> {
        self.note(Kind::Log, key, &[text(level), text(message)].concat())
    }

    /// Saves a checkpoint of a job, as JSON.
    ///
    /// # Errors
    /// The engine's.
    pub fn checkpoint(&self, key: u64, state: &[u8]) -> Result<()> {
        self.note(Kind::Checkpoint, key, state)
    }

    /// Something is about to break this process: what its job did, or, without that, what one has left behind
    /// that is over.
    pub fn breaks(&self, failure: Option<&Failure>) {
        let body = match failure {
            None => vec![0],
            Some(failure) => [vec![1], said::failure(failure)].concat(),
        };
        self.tell(Kind::Breaks, 0, &body, &[]);
    }

    /// What this process uses from now on is not the job's: it loads what it needs for it.
    pub fn loads(&self, key: u64) {
        self.state.lock().turns.attend();
        self.tell(Kind::Loads, key, &[], &[]);
    }

    /// It has loaded that, and the job begins.
    pub fn loaded(&self, key: u64) {
        self.usage.forget_peak();
        self.usage.processor_time();
        self.tell(Kind::Loaded, key, &[], &[]);
    }

    /// Another process is to take the place of this one after its job.
    pub fn spent(&self, key: u64) {
        self.tell(Kind::Spent, key, &[], &[]);
    }

    /// Gives this process a while to end by itself, and then ends it by force.
    pub fn end_process(&self) {
        sleep(LAST_WORDS);
        // It fails for nobody: each process may send itself signals.
        let _ = kill_process(getpid(), Signal::KILL);
    }

    /// Says something, and waits until it is recorded or refused.
    fn note(&self, kind: Kind, key: u64, body: &[u8]) -> Result<()> {
        self.state.lock().attended = true;
        self.tell(kind, key, body, &[]);
        let answer = loop {
            let mut state = self.state.lock();
            self.look(&mut state);
            let answer = match state.reply.take() {
                Some((of, answer)) if of == key => Some(answer),
                _ => state.over.then(|| Err(Error::closed())),
            };
            self.tell_news(state);
            if let Some(answer) = answer {
                break answer;
            }
            self.wait_for_more(None);
        };
        self.state.lock().attended = false;
        answer
    }

    fn tell(&self, kind: Kind, key: u64, body: &[u8], value: &[u8]) {
        let _alone = self.sending.lock();
        self.say(kind, key, body, value);
    }

    /// Says something, while nobody else does.
    fn say(&self, kind: Kind, key: u64, body: &[u8], value: &[u8]) {
        // What is longer than a frame can be was refused before.
        let Ok(header) = header(body.len() + value.len(), kind, key) else {
            return;
        };
        let (near, far) = match value.len() {
            ..=SHORT => (value, &[][..]),
            _ => (&[][..], value),
        };
        let head = [&header, body, near].concat();
        // It fails where the pool has gone, which is seen elsewhere.
        let _ = self.send(&head).and_then(|()| self.send(far));
    }

    fn send(&self, mut bytes: &[u8]) -> rustix::io::Result<()> {
        while !bytes.is_empty() {
            match send(&self.socket, bytes, SendFlags::NOSIGNAL) {
                Ok(sent) => bytes = &bytes[sent..],
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes in what has come; whether that was anything.
    fn look(&self, state: &mut State) -> bool {
        while !state.over {
            match state.inbox.read(&self.socket) {
                // What else there is can wait.
                Read::Some if state.take_in(self.clock.tick()) => {
                    self.have_timed(state);
                    return true;
                }
                Read::Some => {}
                Read::Nothing => break,
                Read::End => state.over = true,
            }
        }
        false
    }

    fn wait_for_more(&self, patience: Option<Duration>) {
        let patience = patience.map(timespec);
        let mut fds = [PollFd::from_borrowed_fd(self.socket.as_fd(), PollFlags::IN)];
        // Interrupted, it is looked once more, and that is all.
        let _ = poll(&mut fds, patience.as_ref());
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: duration.as_secs().cast_signed(),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

/// Nothing is waited for but time, in a process that has nothing else to do.
fn sleep(duration: Duration) {
    let _ = poll(&mut [], Some(&timespec(duration)));
}

impl State {
    /// Takes the frames in that are whole; whether there was one.
    fn take_in(&mut self, now: Tick) -> bool {
        let mut heard = false;
        loop {
            match self.inbox.take() {
                Ok(Some(frame)) => self.hear(&frame, now),
                Ok(None) => return heard,
                Err(_) => {
                    self.over = true;
                    return heard;
                }
            }
            heard = true;
        }
    }

    fn hear(&mut self, frame: &Frame, now: Tick) {
        let (key, body) = (frame.key, Body(&frame.body));
        match frame.kind {
            Kind::Start => match body.start(key) {
                Ok(given) => self.turns.push(given, now),
                Err(_) => self.over = true,
            },
            Kind::Reason => self.reason = Some((key, body.whole_text())),
            Kind::Stop => {
                let kind = self.reason.take().filter(|(of, _)| *of == key);
                let kind = kind.map(|(_, kind)| kind).unwrap_or_default();
                let reason = body.whole_text();
                self.stop = Some((key, ChildStop { kind, reason }));
            }
            Kind::Recall => self.turns.hand_back(),
            Kind::Reply => self.reply = Some((key, body.answer())),
            _ => {}
        }
    }
}

impl fmt::Debug for ChildLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildLine").finish_non_exhaustive()
    }
}
