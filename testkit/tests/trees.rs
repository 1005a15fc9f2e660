//! Processes that are started, stopped, frozen and ended with all that comes of them. No test waits by
//! time: each waits for what it is told.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::HashMap;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};

use bursar_core::Exit;
use bursar_core::process::{Launch, Reactor, Refusal, Tree, TreeUsage, Warden, Watch};
use bursar_testkit::{PATIENCE, Process, until};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};

#[derive(Debug)]
enum Told {
    Started { guard: u32 },
    Refused(String),
    Exited(Exit),
    Gone(Option<TreeUsage>),
}

struct Witness(Sender<Told>);

impl Watch for Witness {
    fn started(&self, _: u32, guard: u32) {
        let _ = self.0.send(Told::Started { guard });
    }

    fn refused(&self, refusal: Refusal) {
        let _ = self.0.send(Told::Refused(refusal.to_string()));
    }

    fn exited(&self, exit: Exit, _: bool) {
        let _ = self.0.send(Told::Exited(exit));
    }

    fn gone(&self, usage: Option<TreeUsage>) {
        let _ = self.0.send(Told::Gone(usage));
    }
}

/// One that panics when it is told of a start.
struct Clumsy(Witness);

impl Watch for Clumsy {
    fn started(&self, pid: u32, guard: u32) {
        self.0.started(pid, guard);
        panic!("as planned");
    }

    fn refused(&self, refusal: Refusal) {
        self.0.refused(refusal);
    }

    fn exited(&self, exit: Exit, left: bool) {
        self.0.exited(exit, left);
    }

    fn gone(&self, usage: Option<TreeUsage>) {
        self.0.gone(usage);
    }
}

struct Scene {
    warden: Warden,
}

struct Play {
    tree: Tree,
    told: Receiver<Told>,
    output: std::io::PipeReader,
}

impl Scene {
    fn new() -> Self {
        let warden = Warden::new(Reactor::new().unwrap());
        Self { warden }
    }

    fn shell(&self, script: &str) -> Play {
        self.launch("/bin/sh", &["sh", "-c", script])
    }

    fn launch(&self, program: &str, args: &[&str]) -> Play {
        self.watched(program, args, |teller| Arc::new(Witness(teller)))
    }

    fn watched(
        &self,
        program: &str,
        args: &[&str],
        watch: impl FnOnce(Sender<Told>) -> Arc<dyn Watch>,
    ) -> Play {
        let (output, writes) = std::io::pipe().unwrap();
        let (teller, told) = channel();
        let nothing = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
        let launch = Launch {
            program: PathBuf::from(program),
            args: args.iter().map(Into::into).collect(),
            env: vec![("PATH".into(), "/usr/bin:/bin".into())],
            fds: vec![
                (nothing, 0),
                (writes.try_clone().unwrap().into(), 1),
                (writes.into(), 2),
            ],
            title: format!("bursar-test:{program}:running"),
            ..Launch::default()
        };
        let tree = self.warden.launch(launch, watch(teller)).unwrap();
        Play { tree, told, output }
    }
}

impl Play {
    fn next(&self) -> Told {
        self.told.recv_timeout(PATIENCE).unwrap()
    }

    /// The number of its guard.
    fn started(&self) -> u32 {
        match self.next() {
            Told::Started { guard } => guard,
            other => panic!("{other:?}"),
        }
    }

    /// The first line it writes.
    fn line(&mut self) -> String {
        let mut line = Vec::new();
        let mut byte = [0];
        while self.output.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
            line.push(byte[0]);
        }
        String::from_utf8(line).unwrap()
    }

    fn pids(&mut self) -> Vec<u32> {
        self.line()
            .split_whitespace()
            .map(|pid| pid.parse().unwrap())
            .collect()
    }
}

/// Whether a process is there and not a zombie.
#[test]
fn a_process_is_told_of_from_its_start_to_its_end() {
    let scene = Scene::new();
    let mut play = scene.shell("echo out; exit 3");
    assert!(play.started() > 0);
    assert_eq!(play.line(), "out");
    assert!(matches!(play.next(), Told::Exited(Exit::Code(3))));
    let Told::Gone(Some(usage)) = play.next() else {
        panic!()
    };
    assert!(usage.largest > 0);
}

#[test]
fn whoever_was_told_of_an_end_is_let_go() {
    let scene = Scene::new();
    let play = scene.shell("exit 0");
    while !matches!(play.next(), Told::Gone(_)) {}
    // The handle is still there: whoever watches a tree may hold it.
    let after = play.told.recv_timeout(PATIENCE);
    assert_eq!(after.unwrap_err(), RecvTimeoutError::Disconnected);
    drop(play.tree);
}

#[test]
fn a_signal_is_told_by_its_number() {
    let scene = Scene::new();
    let play = scene.shell("kill -SEGV $$");
    play.started();
    let Told::Exited(exit) = play.next() else {
        panic!()
    };
    assert_eq!(exit.to_string(), "signal 11 (SIGSEGV)");
}

#[test]
fn what_cannot_run_is_refused_with_the_reason() {
    let scene = Scene::new();
    let refused = |program: &str| match scene.launch(program, &["x"]).next() {
        Told::Refused(why) => why,
        other => panic!("{other:?}"),
    };
    assert!(refused("/no/such/program").contains("No such file"));
    assert!(refused("/etc/passwd").contains("Permission denied"));
    assert!(refused("/etc").contains("Permission denied"));
}

#[test]
fn nothing_but_its_descriptors_is_open_in_it() {
    let scene = Scene::new();
    let mut play = scene.shell("ls /proc/self/fd | tr '\\n' ' '; echo");
    // `ls` itself has the folder open.
    assert_eq!(play.line().trim(), "0 1 2 3");
}

#[test]
fn a_kill_ends_children_daemons_and_what_reads_no_signals() {
    let scene = Scene::new();
    let script = "trap '' TERM; sleep 1000 & a=$!; setsid sleep 1000 & b=$!; \
                  (setsid sh -c 'trap \"\" TERM HUP; sleep 1000 & echo $!; wait' &) | (read c; echo $$ $a $b $c); wait";
    let mut play = scene.shell(script);
    play.started();
    let pids = play.pids();
    assert_eq!(pids.len(), 4);
    assert!(pids.iter().all(|pid| Process(*pid).lives()));
    play.tree.kill();
    assert!(matches!(play.next(), Told::Exited(Exit::Signal(9))));
    assert!(matches!(play.next(), Told::Gone(Some(_))));
    assert!(!pids.iter().any(|pid| Process(*pid).lives()), "{pids:?}");
}

#[test]
fn a_tree_is_not_gone_before_its_last_process() {
    let scene = Scene::new();
    let mut play = scene.shell("setsid sleep 1000 & echo $!");
    play.started();
    let left = play.pids()[0];
    assert!(matches!(play.next(), Told::Exited(Exit::Code(0))));
    assert!(Process(left).lives() && play.told.try_recv().is_err());
    play.tree.terminate();
    assert!(matches!(play.next(), Told::Gone(Some(_))));
    assert!(!Process(left).lives());
}

#[test]
fn dropping_its_handle_ends_a_tree() {
    let scene = Scene::new();
    let mut play = scene.shell("setsid sleep 1000 & echo $$ $!; wait");
    play.started();
    let pids = play.pids();
    drop(play.tree);
    assert!(matches!(play.told.recv(), Ok(Told::Exited(_))));
    assert!(matches!(play.told.recv(), Ok(Told::Gone(Some(_)))));
    assert!(!pids.iter().any(|pid| Process(*pid).lives()));
}

#[test]
fn a_frozen_tree_stands_still_and_thaws() {
    let scene = Scene::new();
    let mut play = scene.shell("sleep 1000 & echo $$ $!; wait");
    play.started();
    let pids = play.pids();
    play.tree.freeze();
    while !pids.iter().all(|pid| Process(*pid).is_stopped()) {
        std::thread::yield_now();
    }
    play.tree.thaw();
    while pids.iter().any(|pid| Process(*pid).is_stopped()) {
        std::thread::yield_now();
    }
    play.tree.kill();
    assert!(matches!(play.next(), Told::Exited(Exit::Signal(9))));
}

#[test]
fn who_panics_when_it_is_told_takes_nobody_along() {
    let scene = Scene::new();
    let script = ["sh", "-c", "sleep 1000 & echo $$ $!; wait"];
    let mut play = scene.watched("/bin/sh", &script, |teller| {
        Arc::new(Clumsy(Witness(teller)))
    });
    play.started();
    assert!(matches!(play.next(), Told::Gone(None)));
    // It may have been ended before it could say so.
    let pids = play.pids();
    until("the tree to end", || {
        !pids.iter().any(|pid| Process(*pid).lives())
    });
    let other = scene.shell("exit 5");
    other.started();
    assert!(matches!(other.next(), Told::Exited(Exit::Code(5))));
}

#[test]
fn a_guard_that_does_not_listen_is_cut_off() {
    let scene = Scene::new();
    let mut play = scene.shell("echo $$; exec sleep 1000");
    let guard = play.started();
    let pid = play.pids()[0];
    kill(guard, Signal::STOP);
    until("the guard to stand still", || Process(guard).is_stopped());
    // More than its socket takes.
    (0..100_000).for_each(|_| play.tree.title("bursar-test:sh:deaf"));
    play.tree.kill();
    kill(guard, Signal::CONT);
    assert!(matches!(play.next(), Told::Exited(Exit::Signal(9))));
    assert!(matches!(play.next(), Told::Gone(Some(_))));
    assert!(!Process(pid).lives());
}

#[test]
fn a_guard_shows_what_it_keeps() {
    let scene = Scene::new();
    let mut play = scene.shell("echo $$; exec sleep 1000");
    let guard = play.started();
    play.pids();
    let shown =
        |guard| std::fs::read_to_string(format!("/proc/{guard}/cmdline")).unwrap_or_default();
    assert_eq!(
        shown(guard).trim_end_matches('\0'),
        "bursar-test:/bin/sh:running"
    );
    play.tree.title("bursar-test:sh:stopping");
    while !shown(guard).starts_with("bursar-test:sh:stopping\0") {
        std::thread::yield_now();
    }
}

fn kill(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid as i32).unwrap();
    kill_process(pid, signal).unwrap();
}

#[test]
fn a_guard_that_is_killed_takes_its_tree_along() {
    let scene = Scene::new();
    let mut play = scene.shell("setsid sleep 1000 & echo $$ $!; wait");
    let guard = play.started();
    let pids = play.pids();
    kill(guard, Signal::KILL);
    assert!(matches!(play.next(), Told::Gone(None)));
    while pids.iter().any(|pid| Process(*pid).lives()) {
        std::thread::yield_now();
    }
    // The warden serves on.
    let next = scene.shell("exit 0");
    next.started();
    assert!(matches!(next.next(), Told::Exited(Exit::Code(0))));
}

#[test]
fn a_warden_that_is_killed_is_replaced_and_its_trees_go_on() {
    let scene = Scene::new();
    let mut play = scene.shell("echo $$; read x; sleep 1000");
    let warden = Process(play.started()).parent().unwrap();
    kill(warden, Signal::KILL);
    while Process(warden).lives() {
        std::thread::yield_now();
    }
    let other = scene.shell("exit 7");
    other.started();
    assert!(matches!(other.next(), Told::Exited(Exit::Code(7))));
    assert_eq!(play.pids().len(), 1);
    play.tree.kill();
    while !matches!(play.next(), Told::Gone(_)) {}
}

/// More orders than the socket of a warden takes.
const MANY: usize = 600;

/// As many descriptors as there may be: each order keeps some.
fn take_descriptors() {
    let limits = getrlimit(Resource::Nofile);
    let current = limits.maximum;
    setrlimit(Resource::Nofile, Rlimit { current, ..limits }).unwrap();
}

/// A process that stands still until this is dropped.
struct Standing(u32);

impl Standing {
    fn still(pid: u32) -> Self {
        kill(pid, Signal::STOP);
        until("it to stand still", || Process(pid).is_stopped());
        Self(pid)
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        if let Some(pid) = Pid::from_raw(self.0 as i32) {
            // It may have been killed meanwhile.
            let _ = kill_process(pid, Signal::CONT);
        }
    }
}

/// Orders many processes of a warden that stands still, in vain if that takes for ever.
fn order_many(scene: &Arc<Scene>) -> (Standing, Vec<Play>) {
    take_descriptors();
    let first = scene.shell("exec sleep 1000");
    let warden = Standing::still(Process(first.started()).parent().unwrap());
    let (tells, ordered) = channel();
    let orders = Arc::clone(scene);
    std::thread::spawn(move || {
        let plays: Vec<Play> = (0..MANY).map(|_| orders.shell("exit 3")).collect();
        drop(orders);
        tells.send(plays)
    });
    let plays = ordered.recv_timeout(PATIENCE).unwrap();
    (warden, plays)
}

#[test]
fn orders_wait_in_their_order_for_a_warden_that_stands_still_and_nobody_with_them() {
    let scene = Arc::new(Scene::new());
    let (warden, plays) = order_many(&scene);
    assert!(plays.iter().all(|play| play.told.try_recv().is_err()));
    let waiting = format!("{:?}", scene.warden);
    assert!(!waiting.contains("waiting: 0"), "not enough: {waiting}");
    drop(warden);
    let guards: Vec<u32> = plays.iter().map(Play::started).collect();
    // Numbers of processes only grow, but for when they begin anew.
    let falls = guards.windows(2).filter(|pair| pair[1] < pair[0]).count();
    assert!(falls <= 1, "{guards:?}");
    for play in &plays {
        assert!(matches!(play.next(), Told::Exited(Exit::Code(3))));
        assert!(matches!(play.next(), Told::Gone(Some(_))));
    }
}

#[test]
fn orders_that_wait_go_to_the_next_warden_where_theirs_is_killed() {
    let scene = Arc::new(Scene::new());
    let (warden, plays) = order_many(&scene);
    kill(warden.0, Signal::KILL);
    // What it had been given goes with it, and is told of; nothing else is lost.
    let ends: Vec<Told> = plays.iter().map(Play::next).collect();
    let lost = ends
        .iter()
        .take_while(|told| matches!(told, Told::Gone(None)));
    let lost = lost.count();
    assert!(lost < MANY, "nothing waited");
    let began = |told: &Told| matches!(told, Told::Started { .. });
    assert!(ends[lost..].iter().all(began), "{:?}", &ends[lost..]);
}

#[test]
fn orders_that_wait_are_let_go_with_their_warden() {
    let scene = Arc::new(Scene::new());
    let (warden, plays) = order_many(&scene);
    drop(scene);
    let last = plays.last().unwrap();
    assert!(matches!(last.next(), Told::Gone(None)));
    drop(warden);
}

#[test]
fn a_signal_to_a_guard_is_meant_for_its_process() {
    let scene = Scene::new();
    let mut play = scene.shell("trap 'exit 9' TERM; echo $$; while :; do sleep 0.01; done");
    let guard = play.started();
    play.pids();
    kill(guard, Signal::TERM);
    assert!(matches!(play.next(), Told::Exited(Exit::Code(9))));
}

/// An owner in a process of its own: this program again, with a test that is otherwise ignored.
#[test]
fn no_process_outlives_its_owner_whatever_ends_it() {
    for end in ["return", "panic", "abort", "kill", "exit"] {
        let folder =
            std::env::temp_dir().join(format!("bursar-trees-{}-{end}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut owner = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["owner", "--exact", "--ignored", "--nocapture"])
            .envs(HashMap::from([
                ("BURSAR_END", end),
                ("BURSAR_FOLDER", folder.to_str().unwrap()),
            ]))
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let list = folder.join("pids");
        owner.wait().unwrap();
        let pids: Vec<u32> = read(&list)
            .split_whitespace()
            .map(|pid| pid.parse().unwrap())
            .collect();
        assert_eq!(pids.len(), 4, "{end}");
        while pids.iter().any(|pid| Process(*pid).lives()) {
            std::thread::yield_now();
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
#[ignore = "run by no_process_outlives_its_owner_whatever_ends_it, in a process of its own"]
fn owner() {
    let Ok(folder) = std::env::var("BURSAR_FOLDER") else {
        return;
    };
    let scene = Scene::new();
    let script = "trap '' TERM HUP; sleep 1000 & a=$!; setsid sleep 1000 & b=$!; \
                  (setsid sh -c 'trap \"\" TERM HUP; sleep 1000 & echo $!; wait' &) | (read c; echo $$ $a $b $c); wait";
    let mut play = scene.shell(script);
    play.started();
    let line = play.line();
    std::fs::write(Path::new(&folder).join("pids"), line).unwrap();
    match std::env::var("BURSAR_END").unwrap().as_str() {
        "panic" => panic!("as asked"),
        "abort" => std::process::abort(),
        "exit" => std::process::exit(0),
        "kill" => kill(std::process::id(), Signal::KILL),
        _ => {}
    }
}
