//! Waiting for a child, and what it has used.

use std::io;
use std::mem::zeroed;
use std::time::Duration;

use rustix::process::Pid;

use crate::outcome::Exit;
use crate::process::TreeUsage;

/// The unit of the largest resident size, in bytes.
const RSS_UNIT: u64 = if cfg!(target_vendor = "apple") {
    1
} else {
    1_024
};

/// Takes a child in that has ended, or ends: how, and what it and those that it has waited for have used.
///
/// # Errors
/// Where it is no child any more: somebody else has taken it in.
pub(super) fn wait(child: Pid) -> io::Result<(Exit, TreeUsage)> {
    let (mut status, pid) = (0, child.as_raw_pid());
    #[expect(
        unsafe_code,
        reason = "the standard library doesn't tell what it has used"
    )]
    // SAFETY: it is made of numbers, and the system writes into it and the status only.
    let (waited, used) = unsafe {
        let mut used: libc::rusage = zeroed();
        let mut waited = libc::wait4(pid, &mut status, 0, &mut used);
        while waited == -1 && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted {
            waited = libc::wait4(pid, &mut status, 0, &mut used);
        }
        (waited, used)
    };
    if waited != pid {
        return Err(io::Error::last_os_error());
    }
    let usage = TreeUsage {
        cpu_time: time(used.ru_utime) + time(used.ru_stime),
        largest: u64::try_from(used.ru_maxrss).unwrap_or(0) * RSS_UNIT,
    };
    Ok((Exit::from_status(status), usage))
}

fn time(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}
