//! Tasks that do all that tasks may do, as their argument says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bursar_core::{Ended, Failure, Handler, JobContext, Payload};

/// How many attempts are inside their handlers, and the most there ever were.
#[derive(Debug, Default)]
pub(crate) struct Inside {
    now: AtomicUsize,
    most: AtomicUsize,
}

/// What the handlers themselves see of the budget.
#[derive(Clone, Debug, Default)]
pub(crate) struct Budget {
    pub(crate) tasks: Arc<Inside>,
    pub(crate) threads: Arc<Inside>,
    pub(crate) lanes: Arc<Inside>,
    /// How many attempts began at the end of others.
    pub(crate) followed: Arc<AtomicUsize>,
}

impl Budget {
    pub(crate) fn nobody_is_inside(&self) {
        for inside in [&self.tasks, &self.threads, &self.lanes] {
            bursar_testkit::until("handlers", || inside.now.load(Ordering::SeqCst) == 0);
        }
    }
}

impl Inside {
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

/// One attempt inside its handler.
pub(crate) struct Visit(Arc<Inside>);

impl Visit {
    pub(crate) fn new(inside: &Arc<Inside>) -> Self {
        let now = inside.now.fetch_add(1, Ordering::SeqCst) + 1;
        inside.most.fetch_max(now, Ordering::SeqCst);
        Self(Arc::clone(inside))
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whether a handler with this argument runs until it is stopped.
pub(crate) fn is_endless(args: &Payload) -> bool {
    let json = args.as_json();
    json.is_some_and(|json| json.first() == Some(&b'9'))
}

/// What a handler does in the attempt of this number, by the number in its argument.
pub(crate) fn behave(args: &Payload, attempt: u32) -> Ended {
    let number = args
        .as_json()
        .map_or(0, |json| json.last().copied().unwrap_or(0));
    let failure = |message: &str| Failure::new("ValueError", message);
    match number % 8 {
        0 => Ended::Raised(failure("it broke")),
        1 => Ended::GaveUp(failure("hopeless")),
        2 if attempt < 3 => Ended::Retry(Some(Duration::from_micros(300)), failure("not yet")),
        3 => Ended::Cancelled("no longer wanted".into()),
        // A panic that prints nothing.
        4 if attempt < 2 => std::panic::resume_unwind(Box::new("a handler of the torture")),
        _ => Ended::Returned(args.clone()),
    }
}

fn attempt() -> u32 {
    JobContext::try_current().map_or(0, |job| job.number())
}

/// A handler that waits a few times, or until it is stopped.
pub(crate) fn asynchronous(budget: &Budget) -> Handler {
    let inside = Arc::clone(&budget.tasks);
    Handler::Async(Arc::new(move |args| {
        let visit = Visit::new(&inside);
        Box::pin(async move {
            let _visit = visit;
            let json = args.as_json().unwrap_or_default();
            if is_endless(&args) {
                std::future::pending::<()>().await;
            }
            for _ in 0..json.len() {
                tokio::task::yield_now().await;
            }
            behave(&args, attempt())
        })
    }))
}

/// A handler that looks now and then whether it is to stop.
pub(crate) fn blocking(budget: &Budget) -> Handler {
    let inside = Arc::clone(&budget.threads);
    Handler::Sync(Arc::new(move |args| {
        let _visit = Visit::new(&inside);
        let endless = is_endless(&args);
        let stopped = || JobContext::try_current().is_none_or(|job| job.cancelled());
        while endless && !stopped() {
            std::thread::yield_now();
        }
        behave(&args, attempt())
    }))
}
