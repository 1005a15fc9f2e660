//! A pool whose children are played by the tests.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, mpsc};

use super::{PATIENCE, end, frame};
use crate::executor::process::frame::{HEADER, Kind};
use crate::executor::process::nursery::{Family, Nursery};
use crate::executor::process::pool::{PoolOptions, ProcessPool};
use crate::executor::process::shared::Shared;
use crate::executor::process::template::Holding;
use crate::process::Head;
use crate::sandbox::Sandbox;
use crate::{
    Engine, EngineBuilder, EngineOptions, ExecutorKind, Handler, ManualClock, MemoryOptions,
    MemoryStore, Payload, Plan, State, Submission, Task, TaskOptions, Ticket, Timestamp,
};

/// A process that nobody has.
pub(super) const NOBODY: u32 = 1 << 23;

/// Hands the sockets of children to the test, and tells it whom it is to kill.
#[derive(Debug)]
struct Cradle {
    raised: mpsc::Sender<Player>,
    killed: mpsc::Sender<u64>,
    prefetches: bool,
}

/// A child, as the test plays it.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) number: u64,
    pub(super) socket: UnixStream,
}

impl Player {
    /// Reads a frame: its kind, its key, its body.
    pub(super) fn read(&mut self) -> (u8, u64, Vec<u8>) {
        let mut header = [0; HEADER];
        self.socket.read_exact(&mut header).unwrap();
        let length = u32::from_le_bytes(header[..4].try_into().unwrap());
        let mut body = vec![0; length as usize];
        self.socket.read_exact(&mut body).unwrap();
        let key = u64::from_le_bytes(header[5..].try_into().unwrap());
        (header[4], key, body)
    }

    /// The key of the job that it is given.
    pub(super) fn started(&mut self) -> u64 {
        let (kind, key, _) = self.read();
        assert_eq!(kind, Kind::Start as u8);
        key
    }

    pub(super) fn say(&mut self, kind: Kind, key: u64, body: &[u8]) {
        self.socket.write_all(&frame(kind, key, body)).unwrap();
    }

    pub(super) fn complete(&mut self, key: u64) {
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
            prefetches: self.prefetches,
        }
    }

    fn kill(&self, child: u64) {
        let _ = self.killed.send(child);
    }
}

pub(super) struct Played {
    pub(super) engine: Engine,
    pub(super) clock: Arc<ManualClock>,
    plan: Arc<Plan>,
    pool: Arc<ProcessPool>,
    raised: mpsc::Receiver<Player>,
    pub(super) killed: mpsc::Receiver<u64>,
}

impl Played {
    /// With children that have one job at a time.
    pub(super) fn new() -> Self {
        Self::with(EngineOptions::default(), false)
    }

    /// With so many children, which are given jobs before their turn: for their engine no time goes by, so that
    /// all jobs are short.
    pub(super) fn prefetching(children: u32) -> Self {
        let options = EngineOptions {
            concurrency: vec![(ExecutorKind::Process, children)],
            ..EngineOptions::default()
        };
        Self::with(options, true)
    }

    fn with(options: EngineOptions, prefetches: bool) -> Self {
        let store = Arc::new(MemoryStore::new(MemoryOptions::default()));
        let mut builder = EngineBuilder::new(store, options);
        let start = Timestamp::from_millis(1_700_000_000_000);
        let clock = Arc::new(ManualClock::new(start));
        if prefetches {
            builder = builder.clock(Arc::clone(&clock) as Arc<_>);
        }
        let pool = Arc::new(ProcessPool::new(
            PoolOptions::default(),
            builder.processes(),
        ));
        let (tell_raised, raised) = mpsc::channel();
        let (tell_killed, killed) = mpsc::channel();
        let cradle: Arc<dyn Nursery> = Arc::new(Cradle {
            raised: tell_raised,
            killed: tell_killed,
            prefetches,
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
            clock,
            plan,
            pool,
            raised,
            killed,
        }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.pool.shared
    }

    pub(super) fn submit(&self) -> Arc<Ticket> {
        self.submit_many(1).remove(0)
    }

    /// A job with options over those of its task.
    pub(super) fn submit_with(&self, options: &TaskOptions) -> Arc<Ticket> {
        let plan = self.engine.plan("task", options).unwrap();
        let accepted = self.engine.submit([Submission::new(plan, Payload::Null)]);
        Arc::clone(&accepted.wait().unwrap()[0].ticket)
    }

    pub(super) fn submit_many(&self, jobs: usize) -> Vec<Arc<Ticket>> {
        let submission = || Submission::new(Arc::clone(&self.plan), Payload::Null);
        let accepted = self.engine.submit((0..jobs).map(|_| submission())).wait();
        let accepted = accepted.unwrap().into_iter();
        accepted.map(|accepted| accepted.ticket).collect()
    }

    /// The next child, before it is born.
    pub(super) fn raised(&self) -> Player {
        self.raised.recv_timeout(PATIENCE).unwrap()
    }

    /// The children that have been raised by now.
    pub(super) fn raised_by_now(&self) -> impl Iterator<Item = Player> {
        self.raised.try_iter()
    }

    /// The children that live and are to be killed. None of them is, for what it did.
    pub(super) fn killed_by_now(&self) -> Vec<u64> {
        let lives = |number: &u64| {
            let child = self.shared().roster.lock().child(*number);
            let fault = child.as_ref().and_then(|child| child.fault());
            assert_eq!(fault, None);
            child.is_some()
        };
        self.killed.try_iter().filter(lives).collect()
    }

    /// The next child.
    pub(super) fn born(&self) -> Player {
        self.born_as(NOBODY)
    }

    /// The next child, which is this process.
    pub(super) fn born_as(&self, pid: u32) -> Player {
        let player = self.raised();
        self.shared().born(player.number, Head::alone(pid));
        player
    }

    /// A child that has run a job, and waits for another.
    pub(super) fn idle(&self) -> (Player, u64) {
        let ticket = self.submit();
        let mut player = self.born();
        let key = player.started();
        player.complete(key);
        assert_eq!(state(&ticket), State::Completed);
        (player, key)
    }

    pub(super) fn completes_at_once(&self, ticket: &Ticket) {
        let mut player = self.born();
        let key = player.started();
        player.complete(key);
        assert_eq!(state(ticket), State::Completed);
        let info = self.engine.info(ticket.id(), false).wait().unwrap();
        assert_eq!(info.attempts.len(), 1);
    }
}

pub(super) fn state(ticket: &Ticket) -> State {
    ticket.wait(Some(PATIENCE)).unwrap().state
}
