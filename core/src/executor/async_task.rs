//! Runs asynchronous Rust functions on a tokio runtime.
//!
//! The first step of a handler is driven where it is picked up; only one that isn't done by then
//! becomes a task of the runtime. Ends are reported in small batches while there is more to do.

use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use smallvec::SmallVec;
use tokio::runtime::Handle;

use crate::context::JobContext;
use crate::engine::{Attempt, Reporter, Stop};
use crate::executor::{Assignment, Crew, Executor, Ready};
use crate::outcome::{Ended, Failure};
use crate::payload::Payload;
use crate::signal::Waiting;
use crate::task::{Handler, HandlerFuture};

/// Ends that are reported together at most.
const BATCH: usize = 64;

/// Attempts that a runner starts before it lets others of its thread have a turn.
const TURN: usize = 128;

type Finished = SmallVec<[(Arc<Attempt>, Ended); BATCH]>;

/// The executor of asynchronous Rust functions.
pub struct AsyncTasks {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: Handle,
    ready: Ready<Assignment>,
    crew: Crew,
    reporter: OnceLock<Reporter>,
}

impl AsyncTasks {
    /// An executor on this runtime.
    pub fn new(runtime: Handle) -> Self {
        let crew = Crew::new(runtime.metrics().num_workers());
        let shared = Shared {
            runtime,
            ready: Ready::new(),
            crew,
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
        if self.shared.crew.lacks(self.shared.ready.len()) {
            self.shared.spawn_runner();
        }
    }

    fn is_hungry(&self) -> bool {
        self.shared.ready.is_hungry()
    }

    fn stop(&self, _: &Arc<Attempt>) {
        // Each task of the runtime waits for its own stop signal.
    }

    fn close(&self) {}
}

impl Shared {
    fn spawn_runner(self: &Arc<Self>) {
        self.crew.join();
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
            if self.crew.leave(|| self.ready.is_empty()) {
                return;
            }
        }
    }

    /// Starts attempts; `true` when none is left.
    fn turn(self: &Arc<Self>) -> bool {
        let mut finished = Finished::new();
        for _ in 0..TURN {
            let Some((assignment, last)) = self.ready.pop() else {
                if finished.is_empty() {
                    return true;
                }
                self.report(&mut finished);
                continue;
            };
            if last {
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
        let stopped = assignment.stopped();
        let Assignment { attempt, args, .. } = assignment;
        if let Some(ended) = stopped {
            return Some((attempt, ended));
        }
        let task = attempt.ticket.plan().and_then(|plan| plan.task());
        let Some(Handler::Async(handler)) = task.map(|task| &task.handler) else {
            let failure = Failure::new(
                "BursarError",
                "the handler of this task is not asynchronous",
            );
            return Some((attempt, Ended::GaveUp(failure)));
        };
        let mut context = Some(JobContext::new(Arc::clone(&attempt)));
        match JobContext::scope(&mut context, || begin(handler.as_ref(), args)) {
            Begun::Ended(ended) => Some((attempt, ended)),
            Begun::Waits(future) => {
                let future = Some(future);
                self.spawn(attempt, Call { context, future });
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

/// What a handler's first step came to.
enum Begun {
    Ended(Ended),
    Waits(HandlerFuture),
}

/// Calls a handler and drives it to its first wait, with nobody to wake yet.
fn begin(handler: &(dyn Fn(Payload) -> HandlerFuture + Send + Sync), args: Payload) -> Begun {
    caught(|| {
        let mut future = handler(args);
        match future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(ended) => Begun::Ended(ended),
            Poll::Pending => Begun::Waits(future),
        }
    })
    .unwrap_or_else(Begun::Ended)
}

/// Runs the user's code; a panic of it is how its job ends.
fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Ended> {
    std::panic::catch_unwind(AssertUnwindSafe(work))
        .map_err(|panic| Ended::Crashed(Failure::from_panic(&*panic)))
}

/// A handler that waits for something.
struct Call {
    context: Option<JobContext>,
    future: Option<HandlerFuture>,
}

impl Call {
    /// Drives the handler on; gives its end when it has come.
    fn step(&mut self, task: &mut Context<'_>) -> Option<Ended> {
        let future = self.future.as_mut()?;
        let step = || caught(|| future.as_mut().poll(task));
        match JobContext::scope(&mut self.context, step) {
            Ok(Poll::Ready(ended)) => Some(ended),
            Ok(Poll::Pending) => None,
            Err(crashed) => Some(crashed),
        }
    }
}

impl Drop for Call {
    /// Dropping a future runs the destructors of what it holds: they see the job's context, and
    /// a panic among them ends here.
    fn drop(&mut self) {
        let future = self.future.take();
        let dropped = JobContext::scope(&mut self.context, || caught(|| drop(future)));
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
