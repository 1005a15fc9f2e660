//! Another process: this program again, with a part to play. It takes a word a line and answers
//! with a line that begins with `>`.

use std::env;
use std::io::{BufRead, BufReader, Lines, Write, stdin};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use bursar_core::{AttemptEnd, Next, Payload, State};
use bursar_testkit::conformance::{Probe, Settings, job};
use rustix::process::{Pid, Signal, kill_process};

use crate::open;

const PATH: &str = "BURSAR_TEST_STORE";

/// A process that has the store open; killed when it is dropped.
pub(crate) struct Other {
    child: Child,
    says: Lines<BufReader<ChildStdout>>,
    hears: ChildStdin,
}

impl Other {
    pub(crate) fn new(path: &Path) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "child::plays_its_part", "--nocapture"])
            .env(PATH, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let says = BufReader::new(child.stdout.take().unwrap()).lines();
        let hears = child.stdin.take().unwrap();
        let mut other = Self { child, says, hears };
        assert_eq!(other.answer(), "open");
        other
    }

    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.hears, "{line}").unwrap();
    }

    pub(crate) fn answer(&mut self) -> String {
        let mut said = self.says.by_ref().map(Result::unwrap);
        let line = said.find_map(|line| line.split_once('>').map(|(_, text)| text.to_owned()));
        line.unwrap()
    }

    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.answer()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Does nothing but in another process.
#[test]
fn plays_its_part() {
    let Some(path) = env::var_os(PATH) else {
        return;
    };
    let probe = Probe::with(&|_| open(Path::new(&path)), Settings::default());
    println!(">open");
    for line in stdin().lines() {
        let line = line.unwrap();
        let (verb, number) = line.split_once(' ').unwrap_or((&line, "0"));
        println!(">{}", play(&probe, verb, number.parse().unwrap()));
    }
    probe.store.close().wait().unwrap();
}

fn play(probe: &Probe, verb: &str, number: u64) -> String {
    match verb {
        "submit" => probe.add(job()).sequence.to_string(),
        "claim" => list(probe.claim(&[number]).iter().map(|job| job.sequence)),
        "finish" => {
            let end = AttemptEnd::completed(Payload::Null);
            let done = probe.finish(number, 1, end, Next::End(State::Completed));
            format!("{done:?}")
        }
        "race" => race(probe, number),
        _ => format!("what is {verb}?"),
    }
}

/// Submits jobs and claims all that it can get, one by one.
fn race(probe: &Probe, jobs: u64) -> String {
    let mut claimed = Vec::new();
    for _ in 0..jobs {
        let last = probe.add(job()).sequence;
        let all: Vec<u64> = (last.saturating_sub(4)..=last).collect();
        claimed.extend(probe.claim(&all).iter().map(|job| job.sequence));
    }
    list(claimed)
}

fn list(numbers: impl IntoIterator<Item = u64>) -> String {
    let numbers: Vec<String> = numbers.into_iter().map(|one| one.to_string()).collect();
    numbers.join(",")
}
