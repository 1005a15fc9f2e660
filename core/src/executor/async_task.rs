//! Runs asynchronous Rust functions on a tokio runtime.
//!
//! The first step of a handler is driven where it is picked up; only one that isn't done by then
//! becomes a task of the runtime. Ends are reported in small batches while there is more to do.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use crossbeam_queue::SegQueue;
use smallvec::SmallVec;
use tokio::runtime::Handle;

use crate::context::JobContext;
use crate::engine::{Attempt, Reporter, Stop};
use crate::executor::{Assignment, Executor};
use crate::outcome::{Ended, Failure};
use crate::signal::Waiting;
use crate::task::{Handler, HandlerFuture};

/// Ends that are reported together at most.
const BATCH: usize = 16;

/// Attempts that a runner starts before it lets others of its thread have a turn.
const TURN: usize = 128;

type Finished = SmallVec<[(Arc<Attempt>, Ended); BATCH]>;

/// The executor of asynchronous Rust functions.
pub struct AsyncTasks {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: Handle,
    ready: SegQueue<Assignment>,
    /// How many runners there are, at most `most`.
    runners: AtomicUsize,
    most: usize,
    reporter: OnceLock<Reporter>,
}

impl AsyncTasks {
    /// An executor on this runtime.
    pub fn new(runtime: Handle) -> Self {
        let most = runtime.metrics().num_workers();
        let shared = Shared {
            runtime,
            ready: SegQueue::new(),
            runners: AtomicUsize::new(0),
            most,
            reporter: OnceLock::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl fmt::Debug for AsyncTasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncTasks")
            .field("ready", &self.shared.ready.len())
            .finish_non_exhaustive()
    }
}

impl Executor for AsyncTasks {
    fn attach(&self, reporter: Reporter) {
        // An executor belongs to one engine: the first stays.
        let _ = self.shared.reporter.set(reporter);
    }

    fn start(&self, assignment: Assignment) {
        self.shared.ready.push(assignment);
    }

    fn flush(&self) {
        let runners = self.shared.runners.load(Ordering::SeqCst);
        let wanted = self.shared.ready.len().min(self.shared.most);
        if runners < wanted {
            self.shared.spawn_runner();
        }
    }

    fn is_hungry(&self) -> bool {
        self.shared.ready.is_empty()
    }

    fn stop(&self, _: &Arc<Attempt>) {
        // Each task of the runtime waits for its own stop signal.
    }

    fn close(&self) {}
}

impl Shared {
    fn spawn_runner(self: &Arc<Self>) {
        self.runners.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(self);
        self.runtime.spawn(async move { shared.run().await });
    }

    async fn run(self: Arc<Self>) {
        loop {
            let idle = self.turn();
            if !idle {
                tokio::task::yield_now().await;
                continue;
            }
            self.runners.fetch_sub(1, Ordering::SeqCst);
            // What came between the last look and the count above would wait for nobody.
            if self.ready.is_empty() {
                return;
            }
            self.runners.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Starts attempts; `true` when none is left.
    fn turn(self: &Arc<Self>) -> bool {
        let mut finished = Finished::new();
        for _ in 0..TURN {
            let Some(assignment) = self.ready.pop() else {
                if finished.is_empty() {
                    return true;
                }
                self.report(&mut finished);
                continue;
            };
            if self.ready.is_empty() {
                self.report(&mut finished);
                self.ask_for_more();
            }
            finished.extend(self.first_step(assignment));
            if finished.len() == BATCH {
                self.report(&mut finished);
            }
        }
        self.report(&mut finished);
        false
    }

    fn ask_for_more(&self) {
        if let Some(reporter) = self.reporter.get() {
            reporter.more();
        }
    }

    fn report(&self, finished: &mut Finished) {
        if let Some(reporter) = self.reporter.get() {
            reporter.finish(finished.drain(..));
        }
    }

    /// Drives a handler to its first wait; gives its end if it never waits.
    fn first_step(self: &Arc<Self>, assignment: Assignment) -> Option<(Arc<Attempt>, Ended)> {
        let Assignment { attempt, args } = assignment;
        let plan = attempt.ticket.plan();
        let Some(Handler::Async(handler)) = plan.map(|plan| &plan.task().handler) else {
            let failure = Failure::new(
                "BursarError",
                "the handler of this task is not asynchronous",
            );
            return Some((attempt, Ended::GaveUp(failure)));
        };
        let mut call = Call {
            context: JobContext::new(Arc::clone(&attempt)),
            future: None,
        };
        match call
            .begin(|| handler(args))
            .or_else(|| call.step(&mut Context::from_waker(Waker::noop())))
        {
            Some(ended) => Some((attempt, ended)),
            None => {
                self.spawn(attempt, call);
                None
            }
        }
    }

    fn spawn(self: &Arc<Self>, attempt: Arc<Attempt>, call: Call) {
        let shared = Arc::clone(self);
        self.runtime.spawn(async move {
            let ended = Stoppable {
                stopped: attempt.stop_signal().wait_async(),
                call: Some(call),
            }
            .await;
            if let Some(reporter) = shared.reporter.get() {
                reporter.finish([(attempt, ended)]);
            }
        });
    }
}

/// A handler at work.
struct Call {
    context: JobContext,
    future: Option<HandlerFuture>,
}

impl Call {
    /// Calls the handler, which may fail before it gives a future.
    fn begin(&mut self, make: impl FnOnce() -> HandlerFuture) -> Option<Ended> {
        match self
            .context
            .enter(|| std::panic::catch_unwind(AssertUnwindSafe(make)))
        {
            Ok(future) => {
                self.future = Some(future);
                None
            }
            Err(panic) => Some(Ended::Crashed(Failure::from_panic(&*panic))),
        }
    }

    /// Drives the handler on; gives its end when it has come.
    fn step(&mut self, task: &mut Context<'_>) -> Option<Ended> {
        let future = self.future.as_mut()?;
        let step = || std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(task)));
        match self.context.enter(step) {
            Ok(Poll::Ready(ended)) => Some(ended),
            Ok(Poll::Pending) => None,
            Err(panic) => Some(Ended::Crashed(Failure::from_panic(&*panic))),
        }
    }
}

impl Drop for Call {
    /// Dropping a future runs the destructors of what it holds: they see the job's context, and
    /// a panic among them ends here.
    fn drop(&mut self) {
        let future = self.future.take();
        let dropped = self
            .context
            .enter(|| std::panic::catch_unwind(AssertUnwindSafe(|| drop(future))));
        drop(dropped);
    }
}

/// A handler that is dropped when its attempt is asked to stop: the end of Rust's futures.
struct Stoppable<'a> {
    stopped: Waiting<'a, Stop>,
    call: Option<Call>,
}

impl Future for Stoppable<'_> {
    type Output = Ended;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ended> {
        if let Some(ended) = self.call.as_mut().and_then(|call| call.step(context)) {
            self.call = None;
            return Poll::Ready(ended);
        }
        match Pin::new(&mut self.stopped).poll(context) {
            Poll::Ready(stop) => {
                self.call = None;
                Poll::Ready(Ended::Cancelled(stop.reason.to_string()))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}
