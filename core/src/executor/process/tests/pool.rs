//! A pool whose children are played by the tests: what becomes of jobs when they end at the wrong time.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, mpsc};

use super::super::frame::{HEADER, Kind};
use super::super::nursery::{Death, Family, Nursery};
use super::super::pool::{PoolOptions, ProcessPool};
use super::super::shared::Shared;
use super::super::template::Holding;
use super::{PATIENCE, end, frame, text};
use crate::sandbox::Sandbox;
use crate::{
    Engine, EngineBuilder, EngineOptions, ExecutorKind, Exit, Handler, MemoryOptions, MemoryStore,
    Payload, Plan, State, Submission, Task, TaskOptions, Ticket,
};

/// A process that nobody has.
const NOBODY: u32 = 1 << 23;

/// Hands the sockets of children to the test, and tells it whom it is to kill.
#[derive(Debug)]
struct Cradle {
    raised: mpsc::Sender<Player>,
    killed: mpsc::Sender<u64>,
}

/// A child, as the test plays it.
#[derive(Debug)]
struct Player {
    number: u64,
    socket: UnixStream,
}

impl Player {
    /// Reads a frame: its kind, its key, its body.
    fn read(&mut self) -> (u8, u64, Vec<u8>) {
        let mut header = [0; HEADER];
        self.socket.read_exact(&mut header).unwrap();
        let length = u32::from_le_bytes(header[..4].try_into().unwrap());
        let mut body = vec![0; length as usize];
        self.socket.read_exact(&mut body).unwrap();
        let key = u64::from_le_bytes(header[5..].try_into().unwrap());
        (header[4], key, body)
    }

    /// The key of the job that it is given.
    fn started(&mut self) -> u64 {
        let (kind, key, _) = self.read();
        assert_eq!(kind, Kind::Start as u8);
        key
    }

    fn say(&mut self, kind: Kind, key: u64, body: &[u8]) {
        self.socket.write_all(&frame(kind, key, body)).unwrap();
    }

    fn complete(&mut self, key: u64) {
        self.say(Kind::Ended, key, &end(0, 0, b""));
    }
}

impl Nursery for Cradle {
    fn raise(&self, child: u64, socket: OwnedFd) -> io::Result<()> {
        let socket = UnixStream::from(socket);
        socket.set_read_timeout(Some(PATIENCE))?;
        let _ = self.raised.send(Player {
            number: child,
            socket,
        });
        Ok(())
    }

    fn holding(&self) -> Holding {
        Holding {
            held_down: true,
            born_ready: true,
        }
    }

    fn kill(&self, child: u64) {
        let _ = self.killed.send(child);
    }
}

struct Played {
    engine: Engine,
    plan: Arc<Plan>,
    pool: Arc<ProcessPool>,
    raised: mpsc::Receiver<Player>,
    killed: mpsc::Receiver<u64>,
}

impl Played {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::new(MemoryOptions::default()));
        let builder = EngineBuilder::new(store, EngineOptions::default());
        let pool = Arc::new(ProcessPool::new(
            PoolOptions::default(),
            builder.processes(),
        ));
        let (tell_raised, raised) = mpsc::channel();
        let (tell_killed, killed) = mpsc::channel();
        let cradle: Arc<dyn Nursery> = Arc::new(Cradle {
            raised: tell_raised,
            killed: tell_killed,
        });
        let opened = pool
            .shared
            .nurseries
            .lock()
            .of(&Sandbox::OFF, |_| Ok::<_, io::Error>(Arc::clone(&cradle)));
        assert!(opened.is_ok());
        let engine = builder
            .executor(ExecutorKind::Process, Arc::clone(&pool) as Arc<_>)
            .start()
            .unwrap();
        let options = TaskOptions::default();
        let task = Task::new("task", options, ExecutorKind::Process, Handler::Host(0)).unwrap();
        let plan = engine
            .register(task.at(Some("module:task".into())))
            .unwrap();
        Self {
            engine,
            plan,
            pool,
            raised,
            killed,
        }
    }

    fn shared(&self) -> &Shared {
        &self.pool.shared
    }

    fn submit(&self) -> Arc<Ticket> {
        let submission = Submission::new(Arc::clone(&self.plan), Payload::Null);
        let accepted = self.engine.submit([submission]).wait().unwrap();
        let accepted = accepted.into_iter().next().unwrap();
        accepted.ticket
    }

    /// The next child, before it is born.
    fn raised(&self) -> Player {
        self.raised.recv_timeout(PATIENCE).unwrap()
    }

    /// The next child.
    fn born(&self) -> Player {
        let player = self.raised();
        self.shared().born(player.number, NOBODY);
        player
    }

    /// A child that has run a job, and waits for another.
    fn idle(&self) -> (Player, u64) {
        let ticket = self.submit();
        let mut player = self.born();
        let key = player.started();
        player.complete(key);
        assert_eq!(state(&ticket), State::Completed);
        (player, key)
    }

    fn completes_at_once(&self, ticket: &Ticket) {
        let mut player = self.born();
        let key = player.started();
        player.complete(key);
        assert_eq!(state(ticket), State::Completed);
        let info = self.engine.info(ticket.id(), false).wait().unwrap();
        assert_eq!(info.attempts.len(), 1);
    }
}

fn state(ticket: &Ticket) -> State {
    ticket.wait(Some(PATIENCE)).unwrap().state
}

#[test]
fn a_job_for_a_child_that_has_ended_is_given_to_another() {
    let played = Played::new();
    let (player, _) = played.idle();
    drop(player);
    let ticket = played.submit();
    played.completes_at_once(&ticket);
}

#[test]
fn a_job_whose_child_ends_before_it_is_told_of_it_is_given_to_another() {
    let played = Played::new();
    let (idle, _) = played.idle();
    let shared = played.shared();
    // Another job, which an unborn child was to have, is for the idle one now.
    let idle = shared.roster.lock().child(idle.number).unwrap();
    shared.roster.lock().bury(idle.number);
    let ticket = played.submit();
    let unborn = played.raised();
    let unborn = shared.roster.lock().child(unborn.number).unwrap();
    let assignment = unborn.take_back().unwrap();
    let child = {
        let mut roster = shared.roster.lock();
        roster.welcome(Arc::clone(&idle), assignment.attempt.key());
        roster.free(assignment.attempt.key());
        roster.rest(idle);
        roster.seat(assignment).unwrap()
    };
    shared.died(child.number, Death::Exit(Exit::Signal(9)));
    shared.hand_over(&child);
    played.completes_at_once(&ticket);
}

#[test]
fn a_late_note_of_a_job_is_refused_and_the_next_one_goes_on() {
    let played = Played::new();
    let (mut player, over) = played.idle();
    let ticket = played.submit();
    let key = player.started();
    let line = [text("info"), text("too late")].concat();
    player.say(Kind::Log, over, &line);
    let (kind, refused, body) = player.read();
    assert_eq!((kind, refused), (Kind::Reply as u8, over));
    assert!(String::from_utf8_lossy(&body).contains("Conflict"));
    player.complete(key);
    assert_eq!(state(&ticket), State::Completed);
    assert!(played.killed.try_recv().is_err());
}

#[test]
fn the_end_of_a_job_that_it_doesnt_run_is_the_end_of_a_child() {
    let played = Played::new();
    let (mut player, over) = played.idle();
    player.complete(over);
    assert_eq!(played.killed.recv_timeout(PATIENCE), Ok(player.number));
}

#[test]
fn a_child_that_is_killed_before_it_is_born_is_killed_then() {
    let played = Played::new();
    let ticket = played.submit();
    let mut player = played.raised();
    let shared = played.shared();
    let child = shared.roster.lock().child(player.number).unwrap();
    child.condemn(None);
    assert_eq!(played.killed.recv_timeout(PATIENCE), Ok(player.number));
    shared.born(player.number, NOBODY);
    assert_eq!(played.killed.try_recv(), Ok(player.number));
    shared.died(player.number, Death::Exit(Exit::Signal(9)));
    assert_eq!(state(&ticket), State::Failed);
    assert_eq!(
        player.socket.read(&mut [0]).unwrap(),
        0,
        "it was given a job"
    );
}
