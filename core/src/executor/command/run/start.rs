//! Starting a command: what it is made with is looked at, and then the system is asked for a process.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;

use super::{Held, Run, State};
use crate::command::{CommandCall, environment};
use crate::engine::Attempt;
use crate::error::{Error, Result};
use crate::executor::Assignment;
use crate::executor::command::Shared;
use crate::executor::command::feed::Feed;
use crate::executor::command::lines::Log;
use crate::executor::command::output::Output;
use crate::executor::command::pipe::{never_wait, pipe};
use crate::outcome::{Ended, Failure};
use crate::process::{Descriptor, Launch, Tree};
use crate::sandbox::{NO_SANDBOX, Sandbox};

/// The type of the failure of a command that never ran.
pub(super) const NOT_STARTED: &str = "CommandNotStarted";

/// The ends of a command's pipes that are not read from.
struct Ends {
    /// What it is fed by.
    feeds: Descriptor,
    /// Its standard streams.
    theirs: [Descriptor; 3],
}

impl Run {
    /// Starts the command of an attempt.
    pub(in super::super) fn start(shared: &Arc<Shared>, assignment: Assignment) {
        let stopped = assignment.stopped();
        let Assignment { attempt, args, .. } = assignment;
        let started = match stopped {
            Some(ended) => Err(ended),
            None => CommandCall::from_payload(&args)
                .map_err(not_a_command)
                .and_then(|call| Self::open(shared, &attempt, call)),
        };
        if let Err(ended) = started
            && let Some(reporter) = shared.reporter.get()
        {
            reporter.finish([(attempt, ended)]);
        }
    }

    fn open(
        shared: &Arc<Shared>,
        attempt: &Arc<Attempt>,
        call: CommandCall,
    ) -> std::result::Result<(), Ended> {
        let made = Self::make(shared, attempt, call.name());
        let (run, ends) = made.map_err(|error| not_started(call.name(), &error.to_string()))?;
        shared
            .running
            .lock()
            .insert(attempt.key(), Arc::clone(&run));
        if call.names_places() || !attempt.sandbox().write.is_empty() {
            run.launch_apart(call, ends);
        } else {
            run.launch(call, ends);
        }
        Ok(())
    }

    fn make(
        shared: &Arc<Shared>,
        attempt: &Arc<Attempt>,
        name: &str,
    ) -> io::Result<(Arc<Self>, Ends)> {
        let reactor = shared.processes.reactor()?;
        let (input, output, error) = (pipe()?, pipe()?, pipe()?);
        for ours in [&input.1, &output.0, &error.0] {
            never_wait(ours)?;
        }
        let run = Arc::new_cyclic(|run: &Weak<Self>| Self {
            this: Weak::clone(run),
            shared: Arc::clone(shared),
            attempt: Arc::clone(attempt),
            name: name.to_owned(),
            log: Log::new(Arc::clone(attempt)),
            outputs: [
                Output::new("stdout", output.0, reactor, (attempt, Weak::clone(run))),
                Output::new("stderr", error.0, reactor, (attempt, Weak::clone(run))),
            ],
            feed: OnceLock::new(),
            tree: OnceLock::new(),
            enforcement: OnceLock::new(),
            held: Mutex::new(Held::default()),
            state: Mutex::new(State::default()),
        });
        let ends = Ends {
            feeds: input.1,
            theirs: [input.0, output.1, error.1],
        };
        Ok((run, ends))
    }

    /// Launches it on a thread of its own: a look at what it names may never come back, as where a network
    /// file system is gone. The job keeps its place until then, so there are never more than there are places.
    fn launch_apart(self: &Arc<Self>, call: CommandCall, ends: Ends) {
        self.held.lock().looked_at = true;
        let run = Arc::clone(self);
        let builder = std::thread::Builder::new().name("bursar-starter".into());
        if let Err(error) = builder.spawn(move || run.launch(call, ends)) {
            let why = error.to_string();
            self.end(move |run, _| not_started(&run.name, &why));
        }
    }

    fn launch(&self, call: CommandCall, ends: Ends) {
        if let Err(ended) = self.try_to_launch(call, ends) {
            self.end(|_, _| ended);
        }
    }

    fn try_to_launch(&self, call: CommandCall, ends: Ends) -> std::result::Result<(), Ended> {
        let (program, cwd) =
            find(&call).map_err(|error| not_started(&self.name, error.message()))?;
        let failed = |error: io::Error| not_started(&self.name, &error.to_string());
        let attempt = &self.attempt;
        let sandbox = sandbox(attempt, cwd.as_deref()).map_err(no_sandbox)?;
        let limits = attempt.limits();
        // Somebody else may have submitted it.
        limits
            .check_here()
            .map_err(|error| not_started(&self.name, error.message()))?;
        let prepare = || self.shared.processes.enforcer().prepare(&limits, &program);
        let enforcement = self.enforcement.get_or_init(prepare);
        attempt.isolate(enforcement.isolation);
        let [input, output, error] = ends.theirs;
        let mut launch = Launch {
            program,
            args: call.argv.into_iter().map(Into::into).collect(),
            env: environment(&call.env),
            cwd,
            fds: vec![(input, 0), (output, 1), (error, 2)],
            title: self.title("running"),
            sandbox,
            ..Launch::default()
        };
        enforcement.apply(&mut launch).map_err(failed)?;
        self.check_wanted()?;
        self.begin(launch, ends.feeds, call.stdin.into_bytes())
            .map_err(failed)
    }

    /// # Errors
    /// What it ends with where it was asked to stop before there was anything of it.
    fn check_wanted(&self) -> std::result::Result<(), Ended> {
        let killed = {
            let mut held = self.held.lock();
            held.looked_at = false;
            held.killed
        };
        match self.attempt.stopped() {
            Some(stop) => Err(Ended::Cancelled(stop.reason.to_string())),
            None if killed => Err(Ended::Cancelled(
                "it was ended before it was started".into(),
            )),
            None => Ok(()),
        }
    }

    /// Starts it, once everything is ready for its end, which may come at once. Nothing fails after that.
    fn begin(&self, launch: Launch, input: Descriptor, bytes: Vec<u8>) -> io::Result<()> {
        for output in &self.outputs {
            output.begin()?;
        }
        if !bytes.is_empty() {
            let reactor = self.shared.processes.reactor()?;
            let _ = self.feed.set(Feed::start(reactor, input, bytes)?);
        }
        let this = self.this.upgrade().ok_or(io::ErrorKind::NotConnected)?;
        let tree = self.shared.processes.launch(launch, this)?;
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
}

fn find(call: &CommandCall) -> Result<(PathBuf, Option<PathBuf>)> {
    let folder = call.folder()?;
    Ok((call.program()?, folder))
}

pub(super) fn not_a_command(error: Error) -> Ended {
    Ended::GaveUp(Failure::new("BursarError", error.message()))
}

fn not_started(name: &str, why: &str) -> Ended {
    Ended::Raised(Failure::new(NOT_STARTED, not_started_since(name, why)))
}

pub(super) fn not_started_since(name: &str, why: &str) -> String {
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
