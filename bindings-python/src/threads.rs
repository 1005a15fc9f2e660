//! The threads that run blocking functions. A thread that looks for work wakes no other; one that
//! found some and leaves more behind wakes the next (the scheme of Go's and tokio's schedulers). So
//! there is no wake-up for each job, and none waits behind one that blocks.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::sync::{Arc, OnceLock, Weak};

use bursar::core::{ExecutorKind, HostLane};
use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::hub::Hub;
use crate::seat::Seat;
use crate::wait::Sleeper;
use crate::{notifier, python};

/// The threads of one engine.
pub(crate) struct Threads {
    pub(crate) lane: HostLane,
    hub: OnceLock<Weak<Hub>>,
    /// Those that sleep; the last one to lie down is woken first, its caches are warm.
    idle: Mutex<Vec<Arc<Sleeper>>>,
    /// How many are awake and look for work, or are about to be.
    searching: AtomicUsize,
    /// Whether a new one is to be started.
    wanted: AtomicBool,
    started: AtomicUsize,
}

impl Threads {
    pub(crate) fn new() -> Self {
        Self {
            lane: HostLane::new(),
            hub: OnceLock::new(),
            idle: Mutex::default(),
            searching: AtomicUsize::new(0),
            wanted: AtomicBool::new(false),
            started: AtomicUsize::new(0),
        }
    }

    /// Says, once, whose threads they are.
    pub(crate) fn attach(self: &Arc<Self>, hub: &Weak<Hub>) {
        let _ = self.hub.set(Weak::clone(hub));
        let this = Arc::downgrade(self);
        self.lane.set_waker(move || {
            if let Some(threads) = this.upgrade() {
                threads.wake();
            }
        });
    }

    /// There may be something to do: called by the engine, on any thread.
    fn wake(&self) {
        if self.lane.is_closed() {
            return self.dismiss();
        }
        // A request to stop needs no thread: the job looks at its flag.
        if self.lane.backlog() > 0 || (self.lane.rearm() && self.lane.backlog() > 0) {
            self.wake_one();
        }
    }

    fn wake_one(&self) {
        fence(Ordering::SeqCst);
        if self
            .searching
            .compare_exchange(0, 1, Ordering::SeqCst, Ordering::SeqCst)
            .is_err()
        {
            return;
        }
        let sleeper = self.idle.lock().pop();
        match sleeper {
            Some(sleeper) => sleeper.rouse(),
            None => {
                self.wanted.store(true, Ordering::SeqCst);
                if let Some(hub) = self.hub.get() {
                    notifier::poke(hub);
                }
            }
        }
    }

    fn dismiss(&self) {
        let idle = std::mem::take(&mut *self.idle.lock());
        idle.iter().for_each(|sleeper| sleeper.rouse());
    }

    /// Starts a thread if one is wanted.
    pub(crate) fn serve(&self, py: Python<'_>) -> PyResult<()> {
        if !self.wanted.load(Ordering::Relaxed) || !self.wanted.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        let Some(hub) = self.hub.get() else {
            return Ok(());
        };
        let number = self.started.fetch_add(1, Ordering::Relaxed) + 1;
        let seat = Seat::new(Weak::clone(hub), ExecutorKind::Thread);
        let started = python::START_THREAD.get(py)?.call1((seat, number));
        if started
            .as_ref()
            .is_ok_and(|started| started.is_truthy().unwrap_or(false))
        {
            return Ok(());
        }
        // The system gives no more threads: those that there are do the work.
        self.searching.fetch_sub(1, Ordering::SeqCst);
        started.map(|_| ())
    }

    /// Starts no thread, though one may be wanted: the submitter runs its jobs itself.
    pub(crate) fn start_none(&self) {
        if self.wanted.swap(false, Ordering::SeqCst) {
            self.leave();
        }
    }

    /// A thread has ended what it did and looks for work.
    pub(crate) fn search(&self) {
        self.searching.fetch_add(1, Ordering::SeqCst);
    }

    /// A thread that looked for work goes without any.
    pub(crate) fn leave(&self) {
        self.searching.fetch_sub(1, Ordering::SeqCst);
    }

    /// A thread has found work. The last one that looked leaves nothing behind unattended.
    pub(crate) fn found(&self) {
        if self.searching.fetch_sub(1, Ordering::SeqCst) == 1
            && self.lane.rearm()
            && self.lane.backlog() > 0
        {
            self.wake_one();
        }
    }

    /// Sleeps until there may be something to do; `false` once the engine is closed. The caller is
    /// searching, before and after.
    pub(crate) fn sleep(&self) -> bool {
        let sleeper = Arc::new(Sleeper::here());
        self.idle.lock().push(Arc::clone(&sleeper));
        self.searching.fetch_sub(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if self.lane.is_closed() {
            return false;
        }
        if self.lane.backlog() > 0 {
            self.wake_one();
        }
        sleeper.sleep_on();
        !self.lane.is_closed() || self.lane.backlog() > 0
    }
}
