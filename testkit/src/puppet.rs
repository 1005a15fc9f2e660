use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Lines, Write, stdin};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Another process: this test program again, of which one test plays a part. It is told a line, and
/// answers with lines that begin with `>`; it is killed when this is dropped.
#[derive(Debug)]
pub struct Puppet {
    child: Child,
    says: Lines<BufReader<ChildStdout>>,
    hears: ChildStdin,
}

#[expect(clippy::unwrap_used, reason = "a process of a test is only for tests")]
impl Puppet {
    /// Starts the test `name` with `value` in the environment variable that tells it to play.
    ///
    /// # Panics
    /// Here and below: where the process can't be started, or has ended.
    pub fn start(name: &str, variable: &str, value: impl AsRef<OsStr>) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(variable, value)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let says = BufReader::new(child.stdout.take().unwrap()).lines();
        let hears = child.stdin.take().unwrap();
        Self { child, says, hears }
    }

    /// Plays the part in the other process: each line that it is told is answered with what `part`
    /// says to it.
    pub fn play(mut part: impl FnMut(&str) -> String) {
        for line in stdin().lines() {
            println!(">{}", part(&line.unwrap()));
        }
    }

    /// Tells it a line.
    pub fn tell(&mut self, line: &str) {
        writeln!(self.hears, "{line}").unwrap();
    }

    /// Its next answer.
    pub fn answer(&mut self) -> String {
        let mut said = self.says.by_ref().map(Result::unwrap);
        let line = said.find_map(|line| line.split_once('>').map(|(_, text)| text.to_owned()));
        line.unwrap()
    }

    /// Tells it a line; gives the answer.
    pub fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.answer()
    }

    /// The process.
    pub fn process(&self) -> &Child {
        &self.child
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
