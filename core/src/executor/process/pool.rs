//! The pool: what it is told by the engine, and by its children.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;

use super::shared::Shared;
use super::template::ChildTemplate;
use crate::engine::{Attempt, Reporter};
use crate::executor::{Assignment, Executor};
use crate::process::Processes;

/// When children are replaced.
#[derive(Clone, Copy, Debug, Default)]
pub struct PoolOptions {
    /// After so many jobs; none: never.
    pub max_jobs_per_child: Option<u32>,
    /// Once they keep more than so many bytes after a job; none: never.
    pub max_memory_per_child: Option<u64>,
}

/// The executor of functions in processes of their own. It has as many children as attempts run at once,
/// which the engine's `concurrency` bounds; they come with the work.
pub struct ProcessPool {
    pub(super) shared: Arc<Shared>,
}

impl ProcessPool {
    /// A pool without children, which come by `processes`.
    pub fn new(options: PoolOptions, processes: Arc<Processes>) -> Self {
        let shared = Arc::new_cyclic(|this| Shared {
            this: Weak::clone(this),
            options,
            processes,
            reporter: OnceLock::new(),
            template: Mutex::default(),
            nurseries: Mutex::default(),
            roster: Mutex::default(),
            handing: Mutex::default(),
            owner: std::process::id(),
        });
        Self { shared }
    }

    /// Sets what children are made of that come from now on, but for those of a zygote that runs.
    pub fn make_of(&self, template: ChildTemplate) {
        *self.shared.template.lock() = Some(Arc::new(template));
    }
}

impl fmt::Debug for ProcessPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (idle, living) = self.shared.roster.lock().count();
        f.debug_struct("ProcessPool")
            .field("idle", &idle)
            .field("living", &living)
            .finish()
    }
}

impl Executor for ProcessPool {
    fn attach(&self, reporter: Reporter) {
        // An executor belongs to one engine: the first stays.
        let _ = self.shared.reporter.set(reporter);
    }

    fn start(&self, assignment: Assignment) {
        let mut roster = self.shared.roster.lock();
        match assignment.after {
            None => roster.waiting.push_back(assignment),
            Some(_) => roster.prefetched.push(assignment),
        }
    }

    fn flush(&self) {
        self.shared.assign();
        self.shared.hand_prefetched();
    }

    fn is_hungry(&self) -> bool {
        // What was started has its child as soon as it is flushed.
        true
    }

    fn stop(&self, attempt: &Arc<Attempt>) {
        let Some(child) = self.shared.roster.lock().with_job(attempt.key()) else {
            return;
        };
        if child.has_prefetched(attempt.key()) {
            return child.recall();
        }
        if let Some(first) = child.take_back_job(attempt.key()) {
            return self.shared.not_run(first);
        }
        // One that stands still would not hear it.
        child.hold(attempt.key(), |frozen| frozen.paused = false);
        child.ask_to_stop(attempt);
    }

    fn kill(&self, attempt: &Arc<Attempt>) -> bool {
        let child = self.shared.roster.lock().with_job(attempt.key());
        if let Some(child) = child {
            child.kill_with(attempt.key());
        }
        // Where it has no child any more, its end is on its way.
        true
    }

    fn freeze(&self, attempt: &Arc<Attempt>) -> bool {
        let child = self.shared.roster.lock().with_job(attempt.key());
        child.is_some_and(|child| child.pause(attempt.key()))
    }

    fn thaw(&self, attempt: &Arc<Attempt>) {
        let child = self.shared.roster.lock().with_job(attempt.key());
        if let Some(child) = child {
            child.resume(attempt.key());
        }
    }

    fn close(&self) {
        if std::process::id() == self.shared.owner {
            self.shared.close();
        }
    }
}

impl Drop for ProcessPool {
    fn drop(&mut self) {
        self.close();
    }
}
