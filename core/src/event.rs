//! What happens to jobs, as it happens.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};

use crate::clock::{Clock, Timestamp};
use crate::engine::Ticket;
use crate::id::JobId;
use crate::job::{LogLine, Progress};
use crate::limits::Notice;
use crate::state::State;

/// How many events a slow listener may fall behind before it misses the oldest.
const BACKLOG: usize = 1_024;

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// The job is in this state now.
    State(State),
    /// It said how far it has come.
    Progress(Progress),
    /// It logged a line.
    Log(LogLine),
    /// It nears a limit, or is above it.
    Limit(Notice),
    /// The listener was too slow and missed this many events.
    Missed(u64),
}

/// Something that happened to a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// To which job.
    pub job: JobId,
    /// Of which task.
    pub task: Arc<str>,
    /// What.
    pub kind: EventKind,
}

/// Where events go out to whoever listens.
#[derive(Debug, Default)]
pub(crate) struct EventBus {
    /// Made for the first listener: its backlog takes memory.
    sender: OnceLock<broadcast::Sender<Event>>,
    listeners: Arc<AtomicUsize>,
}

impl EventBus {
    /// Sends an event, if anybody listens; it costs next to nothing if nobody does.
    pub(crate) fn emit(
        &self,
        clock: &dyn Clock,
        ticket: &Ticket,
        kind: impl FnOnce() -> EventKind,
    ) {
        let task = || {
            let spec = ticket.spec();
            spec.map(|spec| Arc::clone(&spec.task)).unwrap_or_default()
        };
        self.emit_of(clock, ticket.id(), task, kind);
    }

    /// Sends an event of a job that may have no ticket here.
    pub(crate) fn emit_of(
        &self,
        clock: &dyn Clock,
        job: JobId,
        task: impl FnOnce() -> Arc<str>,
        kind: impl FnOnce() -> EventKind,
    ) {
        let Some(sender) = self
            .sender
            .get()
            .filter(|_| self.listeners.load(Ordering::Acquire) > 0)
        else {
            return;
        };
        // Nobody may listen any more by now, and then nobody misses it.
        let _ = sender.send(Event {
            at: clock.now(),
            job,
            task: task(),
            kind: kind(),
        });
    }

    /// Listens from now on: to one job, or to all.
    pub(crate) fn listen(&self, job: Option<JobId>) -> Events {
        let receiver = self
            .sender
            .get_or_init(|| broadcast::Sender::new(BACKLOG))
            .subscribe();
        self.listeners.fetch_add(1, Ordering::AcqRel);
        Events {
            receiver,
            listeners: Arc::clone(&self.listeners),
            job,
        }
    }
}

/// A listener to events.
#[derive(Debug)]
pub struct Events {
    receiver: broadcast::Receiver<Event>,
    listeners: Arc<AtomicUsize>,
    job: Option<JobId>,
}

impl Events {
    /// The next event; `None` once the engine is gone.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let event = match self.receiver.recv().await {
                Ok(event) => event,
                Err(RecvError::Lagged(missed)) => self.missed(missed),
                Err(RecvError::Closed) => return None,
            };
            if self.wants(&event) {
                return Some(event);
            }
        }
    }

    /// The next event if there is one already.
    pub fn try_next(&mut self) -> Option<Event> {
        loop {
            let event = match self.receiver.try_recv() {
                Ok(event) => event,
                Err(TryRecvError::Lagged(missed)) => self.missed(missed),
                Err(TryRecvError::Closed | TryRecvError::Empty) => return None,
            };
            if self.wants(&event) {
                return Some(event);
            }
        }
    }

    fn wants(&self, event: &Event) -> bool {
        self.job.is_none_or(|job| job == event.job)
    }

    fn missed(&self, missed: u64) -> Event {
        let job = self
            .job
            .unwrap_or_else(|| JobId::new(Timestamp::default(), 0, 0));
        Event {
            at: Timestamp::default(),
            job,
            task: Arc::default(),
            kind: EventKind::Missed(missed),
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.listeners.fetch_sub(1, Ordering::AcqRel);
    }
}
