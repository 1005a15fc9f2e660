//! The executor of functions that run in worker threads of JavaScript.
//!
//! A worker takes its jobs here itself and reports their ends here itself, so a job costs no message,
//! and none waits for the main loop. A worker has one job at a time: what waits behind one that is
//! stuck is taken by another. The main loop starts workers and ends them, on the orders it is given;
//! of how a worker ended it tells [`Pool::ended`].

mod staffing;
mod state;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bursar::core::{Assignment, Attempt, Ended, Executor, Reporter};
use parking_lot::{Mutex, RwLock};

use crate::bell::Bell;
use crate::mailbox::Mailbox;
use state::{News, State};
pub(crate) use state::{Order, Taken};

/// The jobs of one engine that are for its worker threads, and the workers. Clones are handles on
/// the same one.
#[derive(Clone)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    reporter: OnceLock<Reporter>,
    /// Where functions are found, by the numbers of their handlers.
    modules: RwLock<Vec<Option<Arc<str>>>>,
    /// The main loop, which is to look for orders.
    mailbox: Arc<Mailbox>,
}

impl Pool {
    /// A pool without workers, for at most so many jobs at once.
    pub(crate) fn new(most: u32, mailbox: Arc<Mailbox>) -> Self {
        let shared = Shared {
            state: Mutex::new(State::new(most as usize)),
            reporter: OnceLock::new(),
            modules: RwLock::default(),
            mailbox,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The function of `handler` is found in `module`.
    pub(crate) fn know(&self, handler: u32, module: &str) {
        let index = handler as usize;
        let mut modules = self.shared.modules.write();
        if index >= modules.len() {
            modules.resize_with(index + 1, || None);
        }
        modules[index] = Some(module.into());
    }

    /// Where the function of `handler` is found.
    pub(crate) fn module(&self, handler: u64) -> Option<Arc<str>> {
        let modules = self.shared.modules.read();
        modules.get(usize::try_from(handler).ok()?)?.clone()
    }

    /// The next thing that the main loop is to do.
    pub(crate) fn order(&self) -> Option<Order> {
        self.shared.state.lock().order()
    }

    /// Whether there is something for the main loop to do.
    pub(crate) fn has_orders(&self) -> bool {
        self.shared.state.lock().has_orders()
    }

    /// The thread of `worker` has come so far as to take jobs; `bell` wakes it.
    pub(crate) fn begun(&self, worker: u32, bell: Arc<Bell>) {
        self.shared.state.lock().begun(worker, bell);
    }

    /// The next job of `worker`, which has none now.
    pub(crate) fn take(&self, worker: u32) -> Taken {
        loop {
            let (taken, news) = {
                let mut state = self.shared.state.lock();
                state.take(worker, now())
            };
            self.tell(news);
            let Taken::Job(assignment) = taken else {
                return taken;
            };
            // Whoever asks it to stop from here on finds it with its worker.
            let Some(stop) = assignment.attempt.stopped() else {
                return Taken::Job(assignment);
            };
            self.finish(worker, Ended::Cancelled(stop.reason.to_string()));
        }
    }

    /// The job of `worker` has ended.
    pub(crate) fn finish(&self, worker: u32, ended: Ended) {
        let attempt = self.shared.state.lock().finish(worker);
        self.report(attempt, ended);
    }

    /// The heap of `worker` is half full of what jobs left there: another takes its place after this
    /// job.
    pub(crate) fn replace(&self, worker: u32) {
        self.shared.state.lock().replace(worker);
    }

    /// What breaks `worker`, from here on until it takes its next job, is not the fault of its job.
    pub(crate) fn acquit(&self, worker: u32) {
        self.shared.state.lock().acquit(worker);
    }

    /// The thread of `worker` has ended, as `ended` says where that wasn't ordered. Its job has ended
    /// like that; one that never came so far as to take jobs ends the first of those it was for. `true`
    /// where a job is told of it.
    pub(crate) fn ended(&self, worker: u32, ended: Ended) -> bool {
        let gone = self.shared.state.lock().ended(worker);
        if let Some(bell) = gone.bell {
            bell.remove();
        }
        let ended = match gone.acquitted {
            true => Ended::Released,
            false => ended,
        };
        let waiting = gone.waiting.map(|assignment| assignment.attempt);
        let attempt = gone.attempt.or(waiting);
        let told = attempt.is_some() && !gone.acquitted;
        self.report(attempt, ended);
        self.staff(false);
        told
    }

    /// Whether `worker` is to end, or has.
    pub(crate) fn is_condemned(&self, worker: u32) -> bool {
        self.shared.state.lock().is_condemned(worker)
    }

    /// Lets go of workers that have had nothing to do for long; `true` where there are others.
    pub(crate) fn thin(&self) -> bool {
        self.shared.state.lock().thin(now())
    }

    /// Sees to it that somebody comes for what waits. `late`: the main loop was told to look later,
    /// and this is later.
    pub(crate) fn staff(&self, late: bool) {
        let news = {
            let mut state = self.shared.state.lock();
            state.staff(now(), late)
        };
        self.tell(news);
    }

    fn tell(&self, news: News) {
        for bell in news.bells {
            bell.ring();
        }
        if news.orders {
            self.shared.mailbox.bell.ring();
        }
    }

    fn report(&self, attempt: Option<Arc<Attempt>>, ended: Ended) {
        if let (Some(attempt), Some(reporter)) = (attempt, self.shared.reporter.get()) {
            reporter.finish([(attempt, ended)]);
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl Executor for Pool {
    fn attach(&self, reporter: Reporter) {
        // A pool belongs to one engine: the first stays.
        let _ = self.shared.reporter.set(reporter);
    }

    fn start(&self, assignment: Assignment) {
        self.shared.state.lock().push(assignment, now());
    }

    fn flush(&self) {
        self.staff(false);
    }

    /// What waits for one kind of worker must not keep back what another could run.
    fn is_hungry(&self) -> bool {
        true
    }

    fn stop(&self, attempt: &Arc<Attempt>) {
        let bell = self.shared.state.lock().bell_of(attempt.key());
        if let Some(bell) = bell {
            bell.ring();
        }
    }

    fn kill(&self, attempt: &Arc<Attempt>) -> bool {
        let waiting = self.shared.state.lock().kill(attempt.key());
        self.shared.mailbox.bell.ring();
        if let Some(assignment) = waiting {
            let ended = Ended::Cancelled("it was stopped before it began".into());
            self.report(Some(assignment.attempt), ended);
        }
        true
    }

    fn close(&self) {
        let waiting = self.shared.state.lock().close();
        drop(waiting);
    }
}

/// How long workers sleep, and jobs wait for them, is a matter of real time, wherever the engine's own
/// clock stands.
#[expect(clippy::disallowed_methods, reason = "threads take real time to come")]
fn now() -> Instant {
    Instant::now()
}
