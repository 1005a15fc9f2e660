//! Processes in groups of their own, as on Unix systems without a warden. `BURSAR_PROCESSES=groups` runs this
//! on Linux. No test waits by time: each waits for what it is told.
#![cfg(processes = "groups")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use bursar_core::Exit;
use bursar_core::process::{Launch, Reactor, Refusal, Starter, Timer, Tree, TreeUsage, Watch};

#[derive(Debug)]
enum Told {
    Started,
    Exited(Exit, bool),
    Gone(Option<TreeUsage>),
}

struct Witness(Sender<Told>);

impl Watch for Witness {
    fn started(&self, pid: u32, guard: u32) {
        assert_eq!(pid, guard);
        let _ = self.0.send(Told::Started);
    }

    fn refused(&self, refusal: Refusal) {
        panic!("{refusal}");
    }

    fn exited(&self, exit: Exit, left: bool) {
        let _ = self.0.send(Told::Exited(exit, left));
    }

    fn gone(&self, usage: Option<TreeUsage>) {
        let _ = self.0.send(Told::Gone(usage));
    }
}

struct Play {
    tree: Tree,
    told: Receiver<Told>,
    output: std::io::PipeReader,
}

fn starter() -> Starter {
    Starter::new(Reactor::new().unwrap())
}

fn shell(starter: &Starter, script: &str) -> Play {
    let (output, writes) = std::io::pipe().unwrap();
    let (teller, told) = channel();
    let launch = Launch {
        program: PathBuf::from("/bin/sh"),
        args: ["sh", "-c", script].map(Into::into).to_vec(),
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        fds: vec![(writes.into(), 1)],
        ..Launch::default()
    };
    let tree = starter.launch(launch, Arc::new(Witness(teller))).unwrap();
    Play { tree, told, output }
}

impl Play {
    fn next(&self) -> Told {
        self.told.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    fn started(&self) {
        assert!(matches!(self.next(), Told::Started));
    }

    /// The numbers of the first line that it writes.
    fn pids(&mut self) -> Vec<u32> {
        let mut line = Vec::new();
        let mut byte = [0];
        while self.output.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
            line.push(byte[0]);
        }
        numbers(&String::from_utf8(line).unwrap())
    }
}

fn numbers(text: &str) -> Vec<u32> {
    let words = text.split_whitespace();
    words.map(|word| word.parse().unwrap()).collect()
}

/// What `ps` says of the state of a process; nothing where it isn't there.
fn state(pid: u32) -> String {
    let mut ps = Command::new("ps");
    let said = ps.args(["-o", "stat=", "-p", &pid.to_string()]).output();
    String::from_utf8(said.unwrap().stdout).unwrap()
}

/// Whether a process is there and not a zombie.
fn lives(pid: u32) -> bool {
    let state = state(pid);
    !state.trim().is_empty() && !state.starts_with('Z')
}

fn wait_until(condition: impl Fn() -> bool) {
    while !condition() {
        std::thread::yield_now();
    }
}

#[test]
fn a_process_is_told_of_from_its_start_to_its_end() {
    let play = shell(&starter(), "exit 3");
    play.started();
    assert!(matches!(play.next(), Told::Exited(Exit::Code(3), false)));
    let Told::Gone(Some(usage)) = play.next() else {
        panic!()
    };
    assert!(usage.largest > 100_000 && usage.largest < 1_000_000_000);
}

#[test]
fn a_signal_is_told_by_its_number() {
    let play = shell(&starter(), "kill -SEGV $$");
    play.started();
    assert!(matches!(play.next(), Told::Exited(Exit::Signal(11), _)));
}

#[test]
fn what_cannot_run_is_refused_with_the_reason() {
    let refused = |program: &str| {
        let launch = Launch {
            program: program.into(),
            ..Launch::default()
        };
        let watch = Arc::new(Witness(channel().0));
        starter().launch(launch, watch).unwrap_err().to_string()
    };
    assert!(refused("/no/such/program").contains("No such file"));
    assert!(refused("/etc").contains("ermission denied"));
    let (reads, _) = std::io::pipe().unwrap();
    let launch = Launch {
        program: "/bin/sh".into(),
        fds: vec![(reads.into(), 3)],
        ..Launch::default()
    };
    let refused = starter().launch(launch, Arc::new(Witness(channel().0)));
    assert!(refused.unwrap_err().to_string().contains("descriptor 3"));
}

#[test]
fn a_kill_ends_the_group_whatever_it_ignores() {
    let script = "trap '' TERM HUP; sleep 1000 & a=$!; (sleep 1000 & echo $$ $a $!; wait)";
    let mut play = shell(&starter(), script);
    play.started();
    let pids = play.pids();
    assert!(pids.len() == 3 && pids.iter().all(|pid| lives(*pid)));
    play.tree.kill();
    assert!(matches!(play.next(), Told::Exited(Exit::Signal(9), _)));
    assert!(matches!(play.next(), Told::Gone(Some(_))));
    wait_until(|| !pids.iter().any(|pid| lives(*pid)));
}

#[test]
fn a_group_is_not_gone_before_its_last_process() {
    let mut play = shell(&starter(), "sleep 1000 & echo $!");
    play.started();
    let left = play.pids()[0];
    assert!(matches!(play.next(), Told::Exited(Exit::Code(0), true)));
    assert!(lives(left) && play.told.try_recv().is_err());
    play.tree.terminate();
    assert!(matches!(play.next(), Told::Gone(Some(_))));
    assert!(!lives(left));
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "there is no setsid(1)")]
fn what_leaves_its_group_is_not_ended_with_it() {
    // What docs/isolation.md says of these systems; nothing of it may be left here.
    let mut play = shell(&starter(), "setsid sh -c 'echo $$; exec sleep 1000' & wait");
    play.started();
    let left = play.pids()[0];
    play.tree.kill();
    assert!(matches!(play.next(), Told::Exited(Exit::Signal(9), false)));
    assert!(matches!(play.next(), Told::Gone(Some(_))));
    assert!(lives(left));
    kill(left);
}

#[test]
fn a_frozen_group_stands_still_and_hears_of_its_end() {
    let mut play = shell(&starter(), "sleep 1000 & echo $$ $!; wait");
    play.started();
    let pids = play.pids();
    play.tree.freeze();
    wait_until(|| pids.iter().all(|pid| state(*pid).starts_with('T')));
    play.tree.thaw();
    wait_until(|| !pids.iter().any(|pid| state(*pid).starts_with('T')));
    play.tree.freeze();
    play.tree.terminate();
    assert!(matches!(play.next(), Told::Exited(Exit::Signal(15), _)));
    assert!(matches!(play.next(), Told::Gone(Some(_))));
}

#[test]
fn dropping_its_handle_ends_a_group() {
    let mut play = shell(&starter(), "sleep 1000 & echo $$ $!; wait");
    play.started();
    let pids = play.pids();
    drop(play.tree);
    wait_until(|| !pids.iter().any(|pid| lives(*pid)));
}

#[test]
fn a_timer_calls_once_and_not_where_it_was_dropped() {
    let reactor = Reactor::new().unwrap();
    let (calls, called) = channel();
    let call = |number| {
        let calls = calls.clone();
        move || calls.send(number).unwrap()
    };
    let (long, short) = (Duration::from_secs(1_000), Duration::from_millis(1));
    drop(Timer::after(&reactor, long, call(2)).unwrap());
    let timer = Timer::after(&reactor, short, call(1)).unwrap();
    drop(calls);
    assert_eq!(called.iter().collect::<Vec<_>>(), [1]);
    drop(timer);
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

/// An owner in a process of its own: this program again, with a test that is otherwise ignored.
#[test]
fn no_group_outlives_its_owner_whatever_ends_it() {
    for end in ["return", "panic", "abort", "kill", "exit"] {
        let name = format!("bursar-groups-{}-{end}", std::process::id());
        let list = std::env::temp_dir().join(name);
        let mut owner = Command::new(std::env::current_exe().unwrap());
        owner.args(["owner", "--exact", "--ignored", "--nocapture"]);
        owner.env("BURSAR_END", end).env("BURSAR_LIST", &list);
        owner.stdout(Stdio::null()).stderr(Stdio::null());
        owner.status().unwrap();
        let pids = numbers(&std::fs::read_to_string(&list).unwrap());
        assert_eq!(pids.len(), 3, "{end}");
        wait_until(|| !pids.iter().any(|pid| lives(*pid)));
        std::fs::remove_file(list).unwrap();
    }
}

#[test]
#[ignore = "run by no_group_outlives_its_owner_whatever_ends_it, in a process of its own"]
fn owner() {
    let Ok(list) = std::env::var("BURSAR_LIST") else {
        return;
    };
    let starter = starter();
    let script = "trap '' TERM HUP; sleep 1000 & a=$!; (sleep 1000 & echo $$ $a $!; wait)";
    let mut play = shell(&starter, script);
    // One that has ended is nobody else's later.
    let other = shell(&starter, "exit 0");
    while !matches!(other.next(), Told::Gone(Some(_))) {}
    play.started();
    let pids = play.pids().iter().map(u32::to_string).collect::<Vec<_>>();
    std::fs::write(Path::new(&list), pids.join(" ")).unwrap();
    match std::env::var("BURSAR_END").unwrap().as_str() {
        "panic" => panic!("as asked"),
        "abort" => std::process::abort(),
        "exit" => std::process::exit(0),
        "kill" => kill(std::process::id()),
        _ => {}
    }
}
