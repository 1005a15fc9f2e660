//! The clock of the processor time of a process. Reading it costs a twelfth of reading its `stat`, and it
//! counts nanoseconds. Where it stands still, the process has not run since it was read last; or it runs on
//! another processor, where the system brings it up to date from tick to tick, and at the end.
#![expect(unsafe_code, reason = "the system is called here, and only here")]

use std::mem::MaybeUninit;
use std::time::Duration;

/// The clock of one process and all its threads.
#[derive(Clone, Copy, Debug)]
pub(super) struct CpuClock(libc::clockid_t);

impl CpuClock {
    /// That of the process `pid`; `None` where it has gone, or there are no such clocks.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let pid = libc::pid_t::try_from(pid).ok()?;
        let mut clock = MaybeUninit::uninit();
        // SAFETY: the call writes a number, which is read only where it says that it did.
        unsafe {
            let error = libc::clock_getcpuclockid(pid, clock.as_mut_ptr());
            (error == 0).then(|| Self(clock.assume_init()))
        }
    }

    /// The processor time that it has used; `None` once it has gone.
    pub(super) fn read(self) -> Option<Duration> {
        let mut time = MaybeUninit::<libc::timespec>::uninit();
        // SAFETY: the call writes a time, which is read only where it says that it did.
        let time = unsafe {
            let error = libc::clock_gettime(self.0, time.as_mut_ptr());
            (error == 0).then(|| time.assume_init())?
        };
        let (seconds, nanos) = (time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?);
        Some(Duration::new(seconds, nanos))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn it_moves_while_a_process_runs_and_stands_still_while_it_waits() {
        let mut cat = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let clock = CpuClock::of(cat.id()).unwrap();
        let mut stdin = cat.stdin.take().unwrap();
        let mut echo = BufReader::new(cat.stdout.take().unwrap());
        let mut ran = Duration::ZERO;
        for _ in 0..3 {
            stdin.write_all(b"x\n").unwrap();
            echo.read_line(&mut String::new()).unwrap();
            let now = once_still(clock);
            assert!(now > ran);
            ran = now;
        }
        drop(stdin);
        cat.wait().unwrap();
        assert_eq!(clock.read(), None);
        assert!(CpuClock::of(cat.id()).is_none());
    }

    /// The time of a process that is about to wait, once it does.
    fn once_still(clock: CpuClock) -> Duration {
        loop {
            let ran = clock.read().unwrap();
            if (0..1_000).all(|_| clock.read() == Some(ran)) {
                return ran;
            }
        }
    }
}
