//! Runs blocking Rust functions on threads that come when they are needed and go when they are not.

use std::collections::VecDeque;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::context::JobContext;
use crate::engine::{Attempt, Reporter};
use crate::executor::{Assignment, Executor};
use crate::outcome::{Ended, Failure};
use crate::task::Handler;

/// How long a thread without work stays.
const IDLE: Duration = Duration::from_secs(10);

/// The executor of blocking Rust functions. It has as many threads as attempts run at once, which
/// the engine's `concurrency` bounds.
pub struct ThreadPool {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    work: Mutex<Work>,
    more: Condvar,
    reporter: OnceLock<Reporter>,
}

#[derive(Default)]
struct Work {
    ready: VecDeque<Assignment>,
    idle: usize,
    /// Threads that were made and have not looked for work yet.
    coming: usize,
    closed: bool,
}

impl ThreadPool {
    /// A pool without threads: they come with the work.
    pub fn new() -> Self {
        Self {
            shared: Arc::default(),
        }
    }
}

impl Default for ThreadPool {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let work = self.shared.work.lock();
        f.debug_struct("ThreadPool")
            .field("ready", &work.ready.len())
            .field("idle", &work.idle)
            .finish()
    }
}

impl Executor for ThreadPool {
    fn attach(&self, reporter: Reporter) {
        // An executor belongs to one engine: the first stays.
        let _ = self.shared.reporter.set(reporter);
    }

    fn start(&self, assignment: Assignment) {
        self.shared.work.lock().ready.push_back(assignment);
    }

    fn flush(&self) {
        let (awake, made) = {
            let mut work = self.shared.work.lock();
            let ready = work.ready.len();
            let made = ready.saturating_sub(work.idle + work.coming);
            work.coming += made;
            (ready.min(work.idle), made)
        };
        for _ in 0..awake {
            self.shared.more.notify_one();
        }
        for _ in 0..made {
            self.shared.spawn();
        }
    }

    fn is_hungry(&self) -> bool {
        self.shared.work.lock().ready.is_empty()
    }

    fn stop(&self, _: &Arc<Attempt>) {
        // A thread can be asked, not killed: the handler looks at its context.
    }

    fn close(&self) {
        self.shared.work.lock().closed = true;
        self.shared.more.notify_all();
    }
}

impl Shared {
    fn spawn(self: &Arc<Self>) {
        let shared = Arc::clone(self);
        let builder = std::thread::Builder::new().name("bursar-thread".into());
        if builder.spawn(move || shared.run()).is_err() {
            // Where the system gives no more threads, those that there are do the work.
            self.work.lock().coming -= 1;
        }
    }

    fn run(&self) {
        self.work.lock().coming -= 1;
        while let Some((assignment, last)) = self.next() {
            let attempt = Arc::clone(&assignment.attempt);
            let Some(reporter) = self.reporter.get() else {
                return;
            };
            if last {
                reporter.more();
            }
            let ended = call(assignment);
            reporter.finish([(attempt, ended)]);
        }
    }

    /// The next attempt, and whether it was the last one that waited.
    fn next(&self) -> Option<(Assignment, bool)> {
        let mut work = self.work.lock();
        loop {
            if let Some(assignment) = work.ready.pop_front() {
                return Some((assignment, work.ready.is_empty()));
            }
            if work.closed {
                return None;
            }
            work.idle += 1;
            let timed_out = self.more.wait_for(&mut work, IDLE).timed_out();
            work.idle -= 1;
            if timed_out && work.ready.is_empty() {
                return None;
            }
        }
    }
}

fn call(assignment: Assignment) -> Ended {
    if let Some(ended) = assignment.stopped() {
        return ended;
    }
    let Some(Handler::Sync(handler)) = assignment.handler().cloned() else {
        return Ended::GaveUp(Failure::new(
            "BursarError",
            "the handler of this task is not a blocking function",
        ));
    };
    let Assignment { attempt, args, .. } = assignment;
    let mut context = Some(JobContext::new(attempt));
    let called = JobContext::scope(&mut context, || {
        std::panic::catch_unwind(AssertUnwindSafe(|| handler(args)))
    });
    called.unwrap_or_else(|panic| Ended::Crashed(Failure::from_panic(&*panic)))
}
