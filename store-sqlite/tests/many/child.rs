//! Another process that has the store open, and what it is asked to do.

use std::env;
use std::fs::{self, File};
use std::path::Path;

use bursar_core::{AttemptEnd, Next, Payload, State};
use bursar_testkit::conformance::{Probe, Settings, job};
use bursar_testkit::{Puppet, until};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use crate::{open, outputs};

const PATH: &str = "BURSAR_TEST_STORE";

/// A process that has the store open.
pub(crate) fn another(path: &Path) -> Puppet {
    let mut other = Puppet::start("child::plays_its_part", PATH, path);
    assert_eq!(other.answer(), "open");
    other
}

pub(crate) fn signal(other: &Puppet, signal: Signal) {
    kill_process(Pid::from_child(other.process()), signal).unwrap();
}

/// Whether a process has the turn to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    InAWrite,
    BetweenWrites,
}

/// Stops another process at such a moment.
pub(crate) fn stop(other: &Puppet, path: &Path, moment: Moment) {
    let turn = File::open(path.with_extension("db-lock")).unwrap();
    let process = Some(Pid::from_child(other.process()));
    until("it is stopped at this moment", || {
        signal(other, Signal::STOP);
        // All its threads stand still only then.
        waitpid(process, WaitOptions::UNTRACED).unwrap();
        let found = match turn.try_lock() {
            Ok(()) => Moment::BetweenWrites,
            Err(_) => Moment::InAWrite,
        };
        turn.unlock().unwrap();
        if found != moment {
            go_on(other, path, moment);
        }
        found == moment
    });
}

/// Lets another process go on; one that is to be stopped in a write until it has written something, since
/// it comes nowhere if it is stopped again at once.
pub(crate) fn go_on(other: &Puppet, path: &Path, moment: Moment) {
    let written = || {
        fs::metadata(path.with_extension("db-wal"))
            .and_then(|wal| wal.modified())
            .ok()
    };
    let before = written();
    signal(other, Signal::CONT);
    if moment == Moment::InAWrite {
        until("it writes", || written() != before);
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
    Puppet::play(|line| {
        let (verb, number) = line.split_once(' ').unwrap_or((line, "0"));
        play(&probe, verb, number.parse().unwrap())
    });
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
        "fill" => {
            let batches = (0..number).map(|_| probe.submit((0..50).map(|_| job())).len());
            batches.sum::<usize>().to_string()
        }
        "write" => {
            let size = outputs::write(probe, number);
            size.to_string()
        }
        "finish_written" => outputs::finish_written(probe, number),
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
