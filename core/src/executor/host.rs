//! Runs functions of a host language: its binding polls for what to do, in batches, and reports
//! what ended, in batches. Nothing here ever calls the host's code, but for one wake-up when there
//! is something to poll for and nobody was told yet.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::engine::{Attempt, Reporter};
use crate::executor::{Assignment, Executor};
use crate::outcome::Ended;
use crate::sync::{AtomicBool, Condvar, Mutex, SegQueue};

/// Something for the host to do.
#[derive(Debug)]
pub enum HostEvent {
    /// Run this, and report its end.
    Start(Assignment),
    /// Ask this attempt to stop. Where it was asked before the host took it, no start of it comes.
    Stop(Arc<Attempt>),
}

/// The queue between an engine and one kind of function of the host: its threads, or its loop.
///
/// The host polls with [`take`](Self::take) until it gives nothing. Threads then sleep in
/// [`wait`](Self::wait); a loop is told by its waker, once for whatever comes until it polls again.
#[derive(Clone)]
pub struct HostLane {
    shared: Arc<Shared>,
}

struct Shared {
    /// First, since a job that is to stop may hold what others wait for.
    stops: SegQueue<Arc<Attempt>>,
    starts: SegQueue<Assignment>,
    /// Whether the host knows that there is something to poll for.
    told: AtomicBool,
    waker: OnceLock<Box<dyn Fn() + Send + Sync>>,
    sleepers: Mutex<Sleepers>,
    more: Condvar,
    reporter: OnceLock<Reporter>,
}

#[derive(Default)]
struct Sleepers {
    idle: usize,
    closed: bool,
}

impl HostLane {
    /// An empty lane.
    pub fn new() -> Self {
        let shared = Shared {
            stops: SegQueue::new(),
            starts: SegQueue::new(),
            told: AtomicBool::new(false),
            waker: OnceLock::new(),
            sleepers: Mutex::default(),
            more: Condvar::new(),
            reporter: OnceLock::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Sets, once, what to call when there is something to poll for. It may be called from any
    /// thread, must not block and must not fail.
    pub fn set_waker(&self, wake: impl Fn() + Send + Sync + 'static) {
        let _ = self.shared.waker.set(Box::new(wake));
        if !self.is_empty() {
            self.flush();
        }
    }

    /// The next thing to do, if there is one.
    pub fn take(&self) -> Option<HostEvent> {
        if let Some(event) = self.pop() {
            return Some(event);
        }
        // What comes from here on tells the host again; what came just before is seen now.
        self.shared.told.store(false, Ordering::SeqCst);
        self.pop()
    }

    fn pop(&self) -> Option<HostEvent> {
        loop {
            if let Some(attempt) = self.shared.stops.pop() {
                return Some(HostEvent::Stop(attempt));
            }
            let assignment = self.shared.starts.pop()?;
            if let Some(reporter) = self.shared.reporter.get().filter(|_| self.is_hungry()) {
                reporter.more();
            }
            let Some(ended) = assignment.stopped() else {
                return Some(HostEvent::Start(assignment));
            };
            self.finish([(assignment.attempt, ended)]);
        }
    }

    /// Lets the waker be called for whatever comes from now on, though nobody polled until there was
    /// nothing: for a host whose only poller goes off to run what it took. `true` if there is
    /// something to do already, of which the waker may not have been told.
    pub fn rearm(&self) -> bool {
        self.shared.told.store(false, Ordering::SeqCst);
        !self.is_empty()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.shared.stops.is_empty() && self.shared.starts.is_empty()
    }

    fn waiting(&self) -> usize {
        self.shared.stops.len() + self.shared.starts.len()
    }

    /// How many attempts wait for a thread or a turn of the loop.
    pub fn backlog(&self) -> usize {
        self.shared.starts.len()
    }

    /// How many threads sleep in [`wait`](Self::wait).
    pub fn idle(&self) -> usize {
        self.shared.sleepers.lock().idle
    }

    /// Sleeps until there is something to do, at most `timeout`; `false` once the lane is closed.
    pub fn wait(&self, timeout: Duration) -> bool {
        let mut sleepers = self.shared.sleepers.lock();
        if self.is_empty() && !sleepers.closed {
            sleepers.idle += 1;
            self.shared.more.wait_for(&mut sleepers, timeout);
            sleepers.idle -= 1;
        }
        !sleepers.closed
    }

    /// Whether the engine has let go of this lane.
    pub fn is_closed(&self) -> bool {
        self.shared.sleepers.lock().closed
    }

    /// Reports that attempts have ended.
    pub fn finish(&self, ended: impl IntoIterator<Item = (Arc<Attempt>, Ended)>) {
        if let Some(reporter) = self.shared.reporter.get() {
            reporter.finish(ended);
        }
    }

    fn tell(&self) {
        {
            let sleepers = self.shared.sleepers.lock();
            for _ in 0..sleepers.idle.min(self.waiting()) {
                self.shared.more.notify_one();
            }
        }
        if let Some(wake) = self.shared.waker.get()
            && !self.shared.told.swap(true, Ordering::SeqCst)
        {
            wake();
        }
    }
}

impl Default for HostLane {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HostLane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostLane")
            .field("starts", &self.shared.starts.len())
            .finish_non_exhaustive()
    }
}

impl Executor for HostLane {
    fn attach(&self, reporter: Reporter) {
        // A lane belongs to one engine: the first stays.
        let _ = self.shared.reporter.set(reporter);
    }

    fn start(&self, assignment: Assignment) {
        self.shared.starts.push(assignment);
    }

    fn flush(&self) {
        if !self.is_empty() {
            self.tell();
        }
    }

    fn is_hungry(&self) -> bool {
        self.shared.starts.is_empty()
    }

    fn stop(&self, attempt: &Arc<Attempt>) {
        self.shared.stops.push(Arc::clone(attempt));
        self.tell();
    }

    fn close(&self) {
        self.shared.sleepers.lock().closed = true;
        self.shared.more.notify_all();
        if let Some(wake) = self.shared.waker.get() {
            wake();
        }
    }
}
