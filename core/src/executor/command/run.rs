//! One command, from its start to the end of everything that it has started.

use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;

use super::Shared;
use super::feed::Feed;
use super::lines::Log;
use super::output::Output;
use super::pipe::{never_wait, pipe};
use crate::command::{CommandCall, CommandOutput, environment};
use crate::engine::Attempt;
use crate::error::{Error, Result};
use crate::executor::Assignment;
use crate::limits::{Brake, Breach, Enforcement, Root, Sign, Watched, judge, says_no_memory};
use crate::outcome::{Ended, Exit, Failure, Measured};
use crate::process::{Descriptor, Launch, Refusal, Timer, Tree, TreeUsage, Watch, title};
use crate::sandbox::{NO_SANDBOX, Sandbox, SandboxParts};

/// The type of the failure of a command that never ran.
const NOT_STARTED: &str = "CommandNotStarted";

/// A command that runs.
pub(super) struct Run {
    shared: Arc<Shared>,
    attempt: Arc<Attempt>,
    name: String,
    log: Log,
    outputs: [Arc<Output>; 2],
    feed: OnceLock<Arc<Feed>>,
    tree: OnceLock<Tree>,
    enforcement: Enforcement,
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
    /// Starts the command of an attempt.
    pub(super) fn start(shared: &Arc<Shared>, assignment: Assignment) {
        let stopped = assignment.stopped();
        let Assignment { attempt, args, .. } = assignment;
        let started = match stopped {
            Some(ended) => Err(ended),
            None => CommandCall::from_payload(&args)
                .map_err(not_a_command)
                .and_then(|call| Self::launch(shared, &attempt, call)),
        };
        if let Err(ended) = started
            && let Some(reporter) = shared.reporter.get()
        {
            reporter.finish([(attempt, ended)]);
        }
    }

    fn launch(
        shared: &Arc<Shared>,
        attempt: &Arc<Attempt>,
        call: CommandCall,
    ) -> std::result::Result<(), Ended> {
        let name = call.name().to_owned();
        let (program, cwd) = find(&call).map_err(|error| not_started(&name, error.message()))?;
        let failed = |error: io::Error| not_started(&name, &error.to_string());
        let reactor = shared.processes.reactor().map_err(failed)?;
        let (input, output, error) = (
            pipe().map_err(failed)?,
            pipe().map_err(failed)?,
            pipe().map_err(failed)?,
        );
        for ours in [&input.1, &output.0, &error.0] {
            never_wait(ours).map_err(failed)?;
        }
        let sandbox = sandbox(attempt, cwd.as_deref()).map_err(no_sandbox)?;
        let limits = attempt.limits();
        // Somebody else may have submitted it.
        limits
            .check_here()
            .map_err(|error| not_started(&name, error.message()))?;
        let enforcement = shared.processes.enforcer().prepare(&limits, &program);
        attempt.isolate(enforcement.isolation);
        let mut launch = Launch {
            program,
            args: call.argv.into_iter().map(Into::into).collect(),
            env: environment(&call.env),
            cwd,
            fds: vec![(input.0, 0), (output.1, 1), (error.1, 2)],
            title: title(attempt.job(), &name, "running"),
            sandbox,
            ..Launch::default()
        };
        enforcement.apply(&mut launch).map_err(failed)?;
        let run = Arc::new_cyclic(|run: &Weak<Self>| Self {
            shared: Arc::clone(shared),
            attempt: Arc::clone(attempt),
            name: name.clone(),
            log: Log::new(Arc::clone(attempt)),
            outputs: [
                Output::new("stdout", output.0, reactor, (attempt, Weak::clone(run))),
                Output::new("stderr", error.0, reactor, (attempt, Weak::clone(run))),
            ],
            feed: OnceLock::new(),
            tree: OnceLock::new(),
            enforcement,
            held: Mutex::default(),
            state: Mutex::default(),
        });
        shared
            .running
            .lock()
            .insert(attempt.key(), Arc::clone(&run));
        if let Err(error) = run.begin(launch, input.1, call.stdin.into_bytes()) {
            run.end(|_| not_started(&name, &error.to_string()));
        }
        Ok(())
    }

    /// Starts it, once everything is ready for its end, which may come at once. Nothing fails after that.
    fn begin(
        self: &Arc<Self>,
        launch: Launch,
        input: Descriptor,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        for output in &self.outputs {
            output.begin()?;
        }
        if !bytes.is_empty() {
            let reactor = self.shared.processes.reactor()?;
            let _ = self.feed.set(Feed::start(reactor, input, bytes)?);
        }
        let watch = Arc::clone(self) as Arc<dyn Watch>;
        let tree = self.shared.processes.launch(launch, watch)?;
        // Only the thread that starts it gets here, once.
        let _ = self.tree.set(tree);
        self.catch_up();
        Ok(())
    }

    /// Does what was wanted before there was anything to do it to.
    fn catch_up(&self) {
        let held = self.held.lock();
        if held.killed {
            self.with_tree(Tree::kill);
        } else if held.paused || held.slowed {
            self.with_tree(Tree::freeze);
        }
        drop(held);
        if self.attempt.stopped().is_some() {
            self.terminate();
        }
    }

    pub(super) fn log(&self) -> &Log {
        &self.log
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

    /// Ends it, and everything that it has started.
    pub(super) fn kill(&self) {
        self.held.lock().killed = true;
        self.with_tree(Tree::kill);
    }

    /// The command has ended and others of its tree run on: they have the grace of a stop to finish what
    /// they are at, and as long again to end.
    fn wait_for_leftovers(self: &Arc<Self>) {
        let run = Arc::downgrade(self);
        self.later(move || {
            let Some(run) = run.upgrade() else { return };
            run.terminate();
            let again = Arc::downgrade(&run);
            run.later(move || {
                if let Some(run) = again.upgrade() {
                    run.kill();
                }
            });
        });
    }

    fn later(&self, then: impl FnOnce() + Send + 'static) {
        let Some(engine) = self.attempt.engine() else {
            return self.kill();
        };
        let timer = self.shared.processes.reactor();
        let timer = timer.and_then(|reactor| Timer::after(reactor, engine.options.grace, then));
        match timer {
            Ok(timer) => {
                let before = self.state.lock().leftovers.replace(timer);
                drop(before);
            }
            // Without a timer there is no time to give.
            Err(_) => self.kill(),
        }
    }

    /// Nothing of it is left: reports how it ended.
    fn end(&self, ended: impl FnOnce(Option<Exit>) -> Ended) {
        let exit = {
            let mut state = self.state.lock();
            if std::mem::replace(&mut state.over, true) {
                return;
            }
            state.exit
        };
        if let Some(feed) = self.feed.get() {
            feed.stop();
        }
        self.outputs
            .iter()
            .for_each(|output| output.finish(&self.log));
        self.log.say_what_was_left_out();
        let (leftovers, watched) = {
            let mut state = self.state.lock();
            (state.leftovers.take(), state.watched.take())
        };
        drop((leftovers, watched));
        self.shared.running.lock().remove(&self.attempt.key());
        if let Some(reporter) = self.shared.reporter.get() {
            reporter.finish([(Arc::clone(&self.attempt), ended(exit))]);
        }
    }

    /// What it came to. What it has written is kept, however it ended.
    fn outcome(&self, exit: Option<Exit>) -> Ended {
        let kept = self.keep_outputs();
        if let Some(exit) = exit
            && let Some(breach) = self.ran_out(exit)
        {
            return Ended::MemoryExceeded(Failure {
                exit: Some(exit),
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
        let sign = if self.enforcement.ran_out() {
            Sign::RanOut
        } else if says_no_memory(&self.outputs[1].tail()) {
            Sign::SaidSo
        } else {
            Sign::Exit(exit)
        };
        let attempt = &self.attempt;
        judge(
            &attempt.limits(),
            self.enforcement.isolation,
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
            true => Root::With(pid),
            false => Root::Below(guard),
        };
        let watched = watchdog.watch(Arc::clone(&self.attempt), root);
        if let Some(run) = self.shared.run_of(&self.attempt) {
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
        self.end(|_| {
            let why = not_started_since(&self.name, &refusal.to_string());
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
        if left && let Some(run) = self.shared.run_of(&self.attempt) {
            run.wait_for_leftovers();
        }
    }

    fn gone(&self, usage: Option<TreeUsage>) {
        if let Some(usage) = usage {
            self.attempt.measure(Measured {
                peak_memory: usage.largest,
                cpu_time: usage.cpu_time,
            });
        }
        self.end(|exit| self.outcome(exit));
    }
}

fn find(call: &CommandCall) -> Result<(std::path::PathBuf, Option<std::path::PathBuf>)> {
    let folder = call.folder()?;
    Ok((call.program()?, folder))
}

fn not_a_command(error: Error) -> Ended {
    Ended::GaveUp(Failure::new("BursarError", error.message()))
}

fn not_started(name: &str, why: &str) -> Ended {
    Ended::Raised(Failure::new(NOT_STARTED, not_started_since(name, why)))
}

fn not_started_since(name: &str, why: &str) -> String {
    format!("{name:?} was not started: {why}")
}

fn no_sandbox(error: Error) -> Ended {
    Ended::Raised(Failure::new(NO_SANDBOX, error.message()))
}

/// What a command is kept to: it may write to the folder that it was given.
fn sandbox(attempt: &Attempt, cwd: Option<&Path>) -> Result<Sandbox> {
    let sandbox = attempt.sandbox().clone();
    sandbox.check_places()?;
    let Some(folder) = cwd.filter(|_| !sandbox.is_off()) else {
        return Ok(sandbox);
    };
    let whole = std::path::absolute(folder).map_err(|error| Error::invalid(error.to_string()))?;
    Ok(sandbox.write(whole.to_string_lossy()))
}
