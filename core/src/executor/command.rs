//! Runs programs: each attempt is a process with all that it starts.

mod capture;
#[cfg_attr(windows, path = "command/feed/thread.rs")]
mod feed;
mod lines;
#[cfg_attr(windows, path = "command/output/thread.rs")]
mod output;
mod pipe;
mod run;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::engine::{Attempt, Reporter};
use crate::executor::{Assignment, Executor};
use crate::process::{CAN_FREEZE, Processes};

use run::Run;

/// The executor of commands.
pub struct Commands {
    shared: Arc<Shared>,
}

/// What an executor and its runs share.
struct Shared {
    processes: Arc<Processes>,
    reporter: OnceLock<Reporter>,
    ready: Mutex<Vec<Assignment>>,
    /// By the keys of their attempts.
    running: Mutex<HashMap<u64, Arc<Run>>>,
}

impl Commands {
    /// An executor whose commands run among `processes`.
    pub fn new(processes: Arc<Processes>) -> Self {
        let shared = Shared {
            processes,
            reporter: OnceLock::new(),
            ready: Mutex::default(),
            running: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = self.shared.running.lock().len();
        f.debug_struct("Commands")
            .field("running", &running)
            .finish()
    }
}

impl Executor for Commands {
    fn attach(&self, reporter: Reporter) {
        // An executor belongs to one engine: the first stays.
        let _ = self.shared.reporter.set(reporter);
    }

    fn start(&self, assignment: Assignment) {
        self.shared.ready.lock().push(assignment);
    }

    fn flush(&self) {
        let ready = std::mem::take(&mut *self.shared.ready.lock());
        for assignment in ready {
            Run::start(&self.shared, assignment);
        }
    }

    fn is_hungry(&self) -> bool {
        // What was started is launched as soon as it is flushed, and nobody asks for more after that.
        true
    }

    fn stop(&self, attempt: &Arc<Attempt>) {
        if let Some(run) = self.shared.run_of(attempt) {
            run.terminate();
        }
    }

    fn kill(&self, attempt: &Arc<Attempt>) -> bool {
        let run = self.shared.run_of(attempt);
        // One that is not begun yet is held up by what nobody can end, if it is for long.
        run.is_some_and(|run| run.kill())
    }

    fn freeze(&self, attempt: &Arc<Attempt>) -> bool {
        let run = self.shared.run_of(attempt).filter(|_| CAN_FREEZE);
        run.is_some_and(|run| {
            run.freeze();
            true
        })
    }

    fn thaw(&self, attempt: &Arc<Attempt>) {
        if let Some(run) = self.shared.run_of(attempt) {
            run.thaw();
        }
    }

    fn close(&self) {
        // What is left was given up on: nothing of it may outlive its engine.
        let left = std::mem::take(&mut *self.shared.running.lock());
        left.values().for_each(|run| {
            run.kill();
        });
    }
}

impl Shared {
    fn run_of(&self, attempt: &Attempt) -> Option<Arc<Run>> {
        self.running.lock().get(&attempt.key()).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Payload;

    #[test]
    fn what_is_submitted_while_one_is_started_needs_its_own_grant() {
        let commands = Commands::new(Processes::new());
        let attempt = Attempt::of_nobody(1).unwrap();
        let args = Payload::Null;
        commands.start(Assignment {
            attempt,
            args,
            after: None,
        });
        assert!(commands.is_hungry());
    }
}
