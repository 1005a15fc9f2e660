//! One command, from its start to the end of everything that it has started.

mod start;

use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;

use super::Shared;
use super::feed::Feed;
use super::lines::Log;
use super::output::Output;
use crate::command::CommandOutput;
use crate::engine::Attempt;
use crate::error::Result;
use crate::limits::{
    Brake, Breach, Enforcement, Isolation, Root, Sign, Watched, judge, says_no_memory,
};
use crate::outcome::{Ended, Exit, Failure, Measured};
use crate::process::{Head, Refusal, Timer, Tree, TreeUsage, Watch, title};
use crate::sandbox::{NO_SANDBOX, SandboxParts};

use start::{NOT_STARTED, not_a_command, not_started_since};

/// A command that runs, or is about to.
pub(super) struct Run {
    this: Weak<Self>,
    shared: Arc<Shared>,
    attempt: Arc<Attempt>,
    name: String,
    log: Log,
    outputs: [Arc<Output>; 2],
    feed: OnceLock<Arc<Feed>>,
    tree: OnceLock<Tree>,
    enforcement: OnceLock<Enforcement>,
    held: Mutex<Held>,
    state: Mutex<State>,
}

/// What is wanted of a command, maybe before it is there.
#[derive(Default)]
struct Held {
    /// Whoever paused the job wants it to stand still.
    paused: bool,
    /// Its limit of cpu does.
    slowed: bool,
    /// It is to end at once.
    killed: bool,
    /// What it is made with is looked at, which may last for ever.
    looked_at: bool,
}

#[derive(Default)]
struct State {
    exit: Option<Exit>,
    /// What looks after it while it runs.
    watched: Option<Watched>,
    /// Ends what the command has left behind.
    leftovers: Option<Timer>,
    over: bool,
}

impl Run {
    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    /// Runs what may wait for a disk where nobody is held up.
    pub(super) fn beside(&self, run: impl FnOnce() + Send + 'static) {
        self.attempt.beside(run);
    }

    fn title(&self, status: &str) -> String {
        title(self.attempt.job(), &self.name, status)
    }

    fn with_tree(&self, then: impl FnOnce(&Tree)) {
        if let Some(tree) = self.tree.get() {
            then(tree);
        }
    }

    /// Asks it to end. One that was paused goes on.
    pub(super) fn terminate(&self) {
        self.held.lock().paused = false;
        self.with_tree(|tree| {
            tree.title(&self.title("stopping"));
            tree.terminate();
        });
    }

    /// Stops it where it stands, and everything that it has started.
    pub(super) fn freeze(&self) {
        self.with_tree(|tree| tree.title(&self.title("paused")));
        self.hold(|held| held.paused = true);
    }

    /// Lets it run on.
    pub(super) fn thaw(&self) {
        self.with_tree(|tree| tree.title(&self.title("running")));
        self.hold(|held| held.paused = false);
    }

    /// It stands still while anybody wants it to.
    fn hold(&self, change: impl FnOnce(&mut Held)) {
        // What is sent to the tree is in the order of what was wanted.
        let mut held = self.held.lock();
        change(&mut held);
        if held.paused || held.slowed {
            self.with_tree(Tree::freeze);
        } else {
            self.with_tree(Tree::thaw);
        }
    }

    /// Ends it, and everything that it has started. `false` where nothing of it is begun, which never will be,
    /// and nobody knows when that is told.
    pub(super) fn kill(&self) -> bool {
        let looked_at = {
            let mut held = self.held.lock();
            held.killed = true;
            held.looked_at
        };
        self.with_tree(Tree::kill);
        !looked_at
    }

    /// The command has ended and others of its tree run on: they have the grace of a stop to finish what
    /// they are at, and as long again to end.
    fn wait_for_leftovers(&self) {
        let run = Weak::clone(&self.this);
        self.later(move || {
            let Some(run) = run.upgrade() else { return };
            run.terminate();
            let again = Weak::clone(&run.this);
            run.later(move || {
                if let Some(run) = again.upgrade() {
                    run.kill();
                }
            });
        });
    }

    fn later(&self, then: impl FnOnce() + Send + 'static) {
        let Some(engine) = self.attempt.engine() else {
            self.kill();
            return;
        };
        let timer = self.shared.processes.reactor();
        let timer = timer.and_then(|reactor| Timer::after(reactor, engine.options.grace, then));
        match timer {
            Ok(timer) => {
                let before = self.state.lock().leftovers.replace(timer);
                drop(before);
            }
            // Without a timer there is no time to give.
            Err(_) => {
                self.kill();
            }
        }
    }

    /// Nothing of it is left: reports how it ended, once what it has written is kept. Where that waits for a
    /// disk, it is done where nobody else is held up.
    fn end(&self, ended: impl FnOnce(&Self, Option<Exit>) -> Ended + Send + 'static) {
        let (exit, left) = {
            let mut state = self.state.lock();
            if std::mem::replace(&mut state.over, true) {
                return;
            }
            let left = (state.leftovers.take(), state.watched.take());
            (state.exit, left)
        };
        drop(left);
        if let Some(feed) = self.feed.get() {
            feed.stop();
        }
        let read = |output: &Arc<Output>| output.finish_here(&self.log);
        if self.outputs.iter().all(read) {
            return self.report(exit, ended);
        }
        if let Some(run) = self.this.upgrade() {
            self.beside(move || run.finish(exit, ended));
        }
    }

    /// Reads what is left, and reports how it ended.
    fn finish(&self, exit: Option<Exit>, ended: impl FnOnce(&Self, Option<Exit>) -> Ended) {
        self.outputs
            .iter()
            .for_each(|output| output.finish(&self.log));
        self.report(exit, ended);
    }

    fn report(&self, exit: Option<Exit>, ended: impl FnOnce(&Self, Option<Exit>) -> Ended) {
        self.log.say_what_was_left_out();
        self.shared.running.lock().remove(&self.attempt.key());
        if let Some(reporter) = self.shared.reporter.get() {
            reporter.finish([(Arc::clone(&self.attempt), ended(self, exit))]);
        }
    }

    /// What it came to. What it has written is kept, however it ended.
    fn outcome(&self, exit: Option<Exit>) -> Ended {
        let kept = self.keep_outputs();
        if let Some(exit) = exit
            && let Some(breach) = self.ran_out(exit)
        {
            let tail = self.outputs[1].tail();
            return Ended::MemoryExceeded(Failure {
                exit: Some(exit),
                traceback: (!tail.is_empty()).then_some(tail),
                ..breach.failure()
            });
        }
        match (exit, kept) {
            (Some(Exit::Code(0)), Ok(output)) => {
                output.payload().map_or_else(not_a_command, Ended::Returned)
            }
            (Some(Exit::Code(0)), Err(error)) => {
                let why = format!(
                    "what {:?} wrote could not be kept: {}",
                    self.name,
                    error.message()
                );
                Ended::Raised(Failure::new("OutputLost", why))
            }
            (Some(exit), _) if exit.is_crash() => {
                Ended::Crashed(self.failure("CommandCrashed", exit))
            }
            (Some(exit), _) => Ended::Raised(self.failure("CommandFailed", exit)),
            (None, _) => Ended::Crashed(Failure::new(
                "CommandLost",
                format!(
                    "{:?} was ended, since the process that guards it was killed",
                    self.name
                ),
            )),
        }
    }

    fn keep_outputs(&self) -> Result<CommandOutput> {
        let [stdout, stderr] = [0, 1].map(|index| self.outputs[index].keep(&self.attempt));
        Ok(CommandOutput::of(&stdout?, &stderr?))
    }

    /// The limit of memory that it ended at, if it did.
    fn ran_out(&self, exit: Exit) -> Option<Breach> {
        if exit == Exit::Code(0) {
            return None;
        }
        let enforcement = self.enforcement.get();
        let sign = if enforcement.is_some_and(Enforcement::ran_out) {
            Sign::RanOut
        } else if says_no_memory(&self.outputs[1].tail()) {
            Sign::SaidSo
        } else {
            Sign::Exit(exit)
        };
        let attempt = &self.attempt;
        judge(
            &attempt.limits(),
            enforcement.map_or(Isolation::Sampling, |enforcement| enforcement.isolation),
            attempt.measured(),
            attempt.requested().0,
            sign,
        )
    }

    fn failure(&self, kind: &str, exit: Exit) -> Failure {
        let tail = self.outputs[1].tail();
        let last = tail
            .lines()
            .last()
            .map_or_else(String::new, |line| format!(": {line}"));
        Failure {
            traceback: (!tail.is_empty()).then_some(tail),
            exit: Some(exit),
            ..Failure::new(kind, format!("{:?} ended with {exit}{last}", self.name))
        }
    }
}

impl Brake for Run {
    fn freeze(&self) {
        self.hold(|held| held.slowed = true);
    }

    fn thaw(&self) {
        self.hold(|held| held.slowed = false);
    }
}

impl Watch for Run {
    fn started(&self, pid: u32, guard: u32) {
        let watchdog = self.shared.processes.watchdog();
        let root = match guard == pid {
            true => Root::With(Head::alone(pid)),
            false => Root::Below(guard),
        };
        let watched = watchdog.watch(Arc::clone(&self.attempt), root);
        if let Some(run) = self.this.upgrade() {
            watched.brake(run);
        }
        let mut state = self.state.lock();
        let before = if state.over {
            Some(watched)
        } else {
            state.watched.replace(watched)
        };
        drop(state);
        drop(before);
    }

    fn kept_in(&self, parts: SandboxParts) {
        self.attempt.keep_in(parts);
    }

    fn refused(&self, refusal: Refusal) {
        self.end(move |run, _| {
            let why = not_started_since(&run.name, &refusal.to_string());
            let kind = if refusal.is_for_sandbox() {
                NO_SANDBOX
            } else {
                NOT_STARTED
            };
            Ended::Raised(Failure::new(kind, why))
        });
    }

    fn exited(&self, exit: Exit, left: bool) {
        self.state.lock().exit = Some(exit);
        if left {
            self.wait_for_leftovers();
        }
    }

    fn gone(&self, usage: Option<TreeUsage>) {
        if let Some(usage) = usage {
            self.attempt.measure(Measured {
                peak_memory: usage.largest,
                cpu_time: usage.cpu_time,
            });
        }
        self.end(Self::outcome);
    }
}
