//! Starts processes in Job Objects of their own.

use std::io;
use std::os::windows::process::CommandExt;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use windows_sys::Win32::System::Threading::{
    CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW, CREATE_SUSPENDED,
};

use super::job_object::{Happened, JobObject};
use super::{Reactor, Tree, meter, sys};
use crate::outcome::Exit;
use crate::process::{Launch, Watch};

/// How often it is looked whether a tree has ended, should the system not have told: it doesn't promise to.
const OFTEN: Duration = Duration::from_secs(1);

/// Starts processes, each in a Job Object of its own.
#[derive(Debug)]
pub struct JobObjects {
    _private: (),
}

impl JobObjects {
    /// One that has started nothing yet. What becomes of what it starts is told on threads of their own.
    pub fn new(_: Reactor) -> Self {
        Self { _private: () }
    }

    /// Starts a process.
    ///
    /// # Errors
    /// Those of the system, where the program can't be run, and `Unsupported` for descriptors other than those
    /// of the standard streams.
    pub fn launch(&self, mut launch: Launch, watch: Arc<dyn Watch>) -> io::Result<Tree> {
        let job = match launch.job_object.take() {
            Some(job) => job,
            None => JobObject::new(None, None)?,
        };
        let child = start(launch, &job)?;
        let gone = Arc::new(AtomicBool::new(false));
        let tree = Tree {
            pid: child.id(),
            job: Arc::clone(&job),
            gone: Arc::clone(&gone),
        };
        meter::enter(tree.pid, &job);
        let waiter = std::thread::Builder::new().name("bursar-waiter".into());
        waiter.spawn(move || {
            let pid = child.id();
            wait(child, &job, &*watch);
            gone.store(true, Ordering::Release);
            meter::leave(pid);
            watch.gone(job.usage());
        })?;
        Ok(tree)
    }
}

/// Starts it suspended, so that it can start nothing before it is held.
fn start(launch: Launch, job: &JobObject) -> io::Result<Child> {
    let mut command = launch.into_command()?;
    let window = if sys::has_console() {
        0
    } else {
        CREATE_NO_WINDOW
    };
    command.creation_flags(CREATE_SUSPENDED | CREATE_NEW_PROCESS_GROUP | window);
    let mut child = command.spawn()?;
    let begun = job.take(&child).and_then(|()| sys::resume(child.id()));
    if let Err(error) = begun {
        let _ = child.kill();
        let _ = child.wait();
        return Err(error);
    }
    Ok(child)
}

/// Waits for the end of everything, and tells of it but for that.
fn wait(mut child: Child, job: &JobObject, watch: &dyn Watch) {
    watch.started(child.id(), child.id());
    let mut exited = false;
    while !exited || job.active() > 0 {
        let ended = job.wait(OFTEN) == Some(Happened::Ended(child.id()));
        if exited {
            continue;
        }
        // It ends in this moment, where that was told.
        let status = match ended {
            true => child.wait().map(Some),
            false => child.try_wait(),
        };
        let exit = match status {
            Ok(None) => continue,
            Ok(Some(status)) => status.code(),
            Err(_) => None,
        };
        exited = true;
        if let Some(code) = exit {
            watch.exited(Exit::Code(code), job.active() > 0);
        }
    }
    // What else was told, such as that it had no memory left.
    while job.wait(Duration::ZERO).is_some() {}
}
