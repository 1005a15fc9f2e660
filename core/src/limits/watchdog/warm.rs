//! A process that is told what to do, for the tests of what looks at it.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::cpu_clock::CpuClock;

/// A warm process: what it has to do is told by lines, and it tells lines.
pub(super) struct Warm {
    process: Child,
    says: Lines<BufReader<ChildStdout>>,
}

impl Warm {
    pub(super) fn new(script: &str) -> Self {
        let mut sh = Command::new("/bin/sh");
        let sh = sh.args(["-c", script]);
        let mut process = sh
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let says = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, says }
    }

    pub(super) fn line(&mut self) -> String {
        self.says.next().unwrap().unwrap()
    }

    /// Waits until it waits.
    pub(super) fn rest(&self) {
        let clock = CpuClock::of(self.pid()).unwrap();
        let stat = format!("/proc/{}/stat", self.pid());
        let waits = || std::fs::read_to_string(&stat).unwrap().contains(") S ");
        let is_still = |ran| (0..100).all(|_| clock.read() == Some(ran));
        while !waits() || !is_still(clock.read().unwrap()) {
            std::thread::yield_now();
        }
    }

    pub(super) fn go_on(&mut self) {
        writeln!(self.process.stdin.as_mut().unwrap()).unwrap();
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it has ended.
    pub(super) fn wait(&mut self) {
        self.process.wait().unwrap();
    }
}

impl Drop for Warm {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
