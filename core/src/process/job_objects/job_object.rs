//! A Job Object: what a tree of processes on Windows is held by.

use std::io;
use std::os::windows::io::{AsHandle, OwnedHandle};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use windows_sys::Win32::System::JobObjects::{
    JOB_OBJECT_CPU_RATE_CONTROL_ENABLE, JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP,
    JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION, JOB_OBJECT_LIMIT_JOB_MEMORY,
    JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE, JOBOBJECT_CPU_RATE_CONTROL_INFORMATION,
    JOBOBJECT_CPU_RATE_CONTROL_INFORMATION_0, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
};
use windows_sys::Win32::System::SystemServices::{
    JOB_OBJECT_MSG_ABNORMAL_EXIT_PROCESS, JOB_OBJECT_MSG_EXIT_PROCESS,
    JOB_OBJECT_MSG_JOB_MEMORY_LIMIT,
};

use super::sys;
use crate::process::TreeUsage;

/// What the whole machine's processors are to the system.
const ALL_CORES: u64 = 10_000;

/// The exit code of what is ended by force.
const KILLED: u32 = 1;

/// Holds a process and everything that it starts: nothing can leave it. Dropped, and when this process ends in
/// whatever way, it ends them all.
#[derive(Debug)]
pub struct JobObject {
    handle: OwnedHandle,
    /// Where the system tells what happens to it.
    port: OwnedHandle,
    ran_out: AtomicBool,
}

/// Something that the system has told of a Job Object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happened {
    /// This process has ended.
    Ended(u32),
    /// Something else.
    Other,
}

impl JobObject {
    /// One whose processes may together commit so many bytes of `memory`, and use so many thousandths of a
    /// core (`cpu`); without a limit where there is none.
    ///
    /// # Errors
    /// Those of the system, such as a rate of the processor where it shares that out itself (Remote Desktop
    /// Services).
    pub fn new(memory: Option<u64>, cpu: Option<u64>) -> io::Result<Arc<Self>> {
        let job = Self {
            handle: sys::create_job_object()?,
            port: sys::create_port()?,
            ran_out: AtomicBool::new(false),
        };
        sys::tell_port(&job.handle, &job.port)?;
        sys::set_limits(&job.handle, &limits(memory))?;
        if let Some(milli) = cpu {
            sys::set_cpu_rate(&job.handle, &rate(milli))?;
        }
        Ok(Arc::new(job))
    }

    /// Takes a process in that has started nothing yet.
    pub(super) fn take(&self, child: &Child) -> io::Result<()> {
        sys::assign(&self.handle, child.as_handle())
    }

    /// Ends everything in it.
    pub(super) fn end(&self) {
        // It fails where everything has ended.
        let _ = sys::terminate(&self.handle, KILLED);
    }

    /// How many processes there are in it; none where it can't be asked.
    pub(super) fn active(&self) -> u32 {
        sys::accounting(&self.handle).map_or(0, |accounting| accounting.ActiveProcesses)
    }

    /// The processes in it.
    pub(super) fn processes(&self) -> Vec<u32> {
        sys::processes(&self.handle).unwrap_or_default()
    }

    /// The processor time of all that have been in it, and the most memory that one of them had.
    pub(super) fn usage(&self) -> Option<TreeUsage> {
        let accounting = sys::accounting(&self.handle).ok()?;
        let limits = sys::limits(&self.handle).ok()?;
        let time = accounting.TotalUserTime + accounting.TotalKernelTime;
        Some(TreeUsage {
            // In units of 100 ns.
            cpu_time: Duration::from_nanos(time.unsigned_abs().saturating_mul(100)),
            largest: limits.PeakProcessMemoryUsed as u64,
        })
    }

    /// Waits until something happens in it, for `time` at most.
    pub(super) fn wait(&self, time: Duration) -> Option<Happened> {
        let (message, pid) = sys::hear(&self.port, time)?;
        if message == JOB_OBJECT_MSG_JOB_MEMORY_LIMIT {
            self.ran_out.store(true, Ordering::Release);
        }
        Some(match message {
            JOB_OBJECT_MSG_EXIT_PROCESS | JOB_OBJECT_MSG_ABNORMAL_EXIT_PROCESS => {
                Happened::Ended(pid)
            }
            _ => Happened::Other,
        })
    }

    /// Whether its processes were refused memory for its limit.
    pub fn ran_out(&self) -> bool {
        self.ran_out.load(Ordering::Acquire)
    }
}

fn limits(memory: Option<u64>) -> JOBOBJECT_EXTENDED_LIMIT_INFORMATION {
    let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    let flags = &mut limits.BasicLimitInformation.LimitFlags;
    // A crash is an end, and no window that asks what to do.
    *flags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
    if let Some(memory) = memory {
        *flags |= JOB_OBJECT_LIMIT_JOB_MEMORY;
        limits.JobMemoryLimit = usize::try_from(memory).unwrap_or(usize::MAX);
    }
    limits
}

fn rate(milli: u64) -> JOBOBJECT_CPU_RATE_CONTROL_INFORMATION {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let part = milli.saturating_mul(ALL_CORES) / (cores * 1_000);
    JOBOBJECT_CPU_RATE_CONTROL_INFORMATION {
        ControlFlags: JOB_OBJECT_CPU_RATE_CONTROL_ENABLE | JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP,
        Anonymous: JOBOBJECT_CPU_RATE_CONTROL_INFORMATION_0 {
            // The least that the system takes is 1.
            CpuRate: part.clamp(1, ALL_CORES) as u32,
        },
    }
}
