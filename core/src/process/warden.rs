//! The program that starts processes for an engine: carried in the library, run from memory.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    sendmsg, socketpair,
};

use super::launch::{Launch, Watch};
use super::order::Order;
use super::reactor::Reactor;
use super::readiness::{Interest, Readiness, Source, Token};
use super::tree::Tree;

/// The warden, as it was built for this system.
static PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/warden"));

/// Room for the titles of its guards, which are written over its arguments.
const TITLE_ROOM: usize = 200;

/// The descriptors that one process can be given: a leash and the order go the same way.
const MOST_FDS: usize = 16;

/// Starts processes through a program of its own, which is started with the first one. Dropped, it goes,
/// and everything that it has started.
pub struct Warden {
    reactor: Reactor,
    post: Arc<Post>,
}

/// An order: its leash, its text, and the descriptors that the process takes.
type Brings = Vec<OwnedFd>;

/// Takes orders to the program. Nobody waits for that: what it has no room for goes when it has.
struct Post {
    reactor: Reactor,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    /// In the order in which they came. While there are any, the reactor tells of room.
    waiting: VecDeque<Brings>,
    token: Option<Token>,
}

/// The program while it runs.
struct Running {
    control: Option<OwnedFd>,
    child: Option<Child>,
}

impl Warden {
    /// A warden that has started nothing yet, and tells what becomes of it through `reactor`.
    pub fn new(reactor: Reactor) -> Self {
        let post = Post {
            reactor: reactor.clone(),
            state: Mutex::default(),
        };
        Self {
            reactor,
            post: Arc::new(post),
        }
    }

    /// Starts a process. Whether it could be is told to `watch`.
    ///
    /// # Errors
    /// Those of the system, where the warden itself can't be started or reached, and more than 16
    /// descriptors. `watch` is told nothing then.
    pub fn launch(&self, launch: Launch, watch: Arc<dyn Watch>) -> io::Result<Tree> {
        let (order, fds) = launch.into_order()?;
        if fds.len() > MOST_FDS {
            let message = format!(
                "a process takes at most {MOST_FDS} descriptors, not {}",
                fds.len()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let text = order_file(&order)?;
        let (ours, theirs) = pair(SocketType::SEQPACKET)?;
        let mut brings = vec![theirs, text.into()];
        brings.extend(fds);
        let tree = Tree::hold(ours, &self.reactor, watch)?;
        match self.post.send(brings) {
            Ok(()) => Ok(tree),
            Err((error, brings)) => {
                // The other end is still open here, so nothing was told yet.
                tree.let_go();
                drop(brings);
                Err(error)
            }
        }
    }
}

impl fmt::Debug for Warden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.post.state.lock();
        let running = state.running.as_ref();
        let pid = running.and_then(|warden| Some(warden.child.as_ref()?.id()));
        f.debug_struct("Warden")
            .field("pid", &pid)
            .field("waiting", &state.waiting.len())
            .finish_non_exhaustive()
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        self.post.close();
    }
}

impl Post {
    /// Sends an order, now or when there is room.
    ///
    /// # Errors
    /// Those of the system, with the order.
    fn send(self: &Arc<Self>, brings: Brings) -> Result<(), (io::Error, Brings)> {
        let mut state = self.state.lock();
        if state.waiting.is_empty() {
            match state.send(&brings) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => return Err((error, brings)),
            }
            if let Err(error) = self.await_room(&mut state) {
                return Err((error, brings));
            }
        }
        state.waiting.push_back(brings);
        Ok(())
    }

    fn await_room(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        let control = state
            .running
            .as_ref()
            .and_then(|warden| warden.control.as_ref())
            .ok_or(io::ErrorKind::NotConnected)?;
        let source = Arc::new(Room(Arc::clone(self)));
        state.token = Some(self.reactor.add(control.as_fd(), Interest::Write, source)?);
        Ok(())
    }

    /// Awaits room no longer.
    fn rest(&self, state: &mut State) {
        if let Some(token) = state.token.take()
            && let Some(warden) = &state.running
            && let Some(control) = &warden.control
        {
            self.reactor.remove(control.as_fd(), token);
        }
    }

    /// There is room, or the program has ended: sends what waits.
    fn go_on(self: &Arc<Self>) {
        let mut state = self.state.lock();
        self.rest(&mut state);
        while let Some(brings) = state.waiting.pop_front() {
            match state.send(&brings) {
                Ok(true) => {}
                Ok(false) => {
                    state.waiting.push_front(brings);
                    if self.await_room(&mut state).is_ok() {
                        return;
                    }
                    // Nobody would send them: their trees hear that they are let go.
                    state.waiting.clear();
                }
                // Its tree hears it.
                Err(_) => drop(brings),
            }
        }
    }

    fn close(&self) {
        let mut state = self.state.lock();
        self.rest(&mut state);
        let left = std::mem::take(&mut *state);
        drop(state);
        drop(left);
    }
}

/// Told when there is room for the next order.
struct Room(Arc<Post>);

impl Source for Room {
    fn ready(&self, _: Readiness) {
        self.0.go_on();
    }

    fn abandon(&self) {
        self.0.close();
    }
}

impl State {
    /// Sends an order to the program, which is started where it doesn't run; `false` where there is no room.
    fn send(&mut self, brings: &Brings) -> io::Result<bool> {
        let sent = match &self.running {
            Some(warden) => warden.order(brings),
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        match sent {
            Ok(()) => Ok(true),
            Err(error) if error.raw_os_error() == Some(Errno::AGAIN.raw_os_error()) => Ok(false),
            Err(error) if !has_gone(&error) => Err(error),
            Err(_) => {
                // The first one, or somebody has killed it: what it had started ends without it.
                drop(self.running.take());
                let warden = self.running.insert(Running::start()?);
                warden.order(brings).map(|()| true)
            }
        }
    }
}

impl Running {
    fn start() -> io::Result<Self> {
        let (control, theirs) = pair(SocketType::SEQPACKET)?;
        let child = match run(&program_in_memory()?, &theirs) {
            Ok(child) => child,
            // Where memory must not be run, a file may.
            Err(_) => run_file(&theirs)?,
        };
        Ok(Self {
            control: Some(control),
            child: Some(child),
        })
    }
}

impl Running {
    /// Sends an order, if there is room.
    fn order(&self, brings: &Brings) -> io::Result<()> {
        let control = self.control.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        let brings: Vec<BorrowedFd<'_>> = brings.iter().map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS + 2))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        ancillary.push(SendAncillaryMessage::ScmRights(&brings));
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        sendmsg(control, &[IoSlice::new(&[0])], &mut ancillary, flags)?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It ends once nobody holds the other end and all that it has started has ended.
        self.control = None;
        let Some(mut child) = self.child.take() else {
            return;
        };
        let reaper = std::thread::Builder::new().name("bursar-reaper".into());
        // Without a thread, the system takes it in when this process ends.
        let _ = reaper.spawn(move || child.wait());
    }
}

/// Whether nobody is there to take orders.
fn has_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionRefused, ConnectionReset, NotConnected};
    let kind = error.kind();
    matches!(
        kind,
        BrokenPipe | ConnectionRefused | ConnectionReset | NotConnected
    )
}

fn pair(kind: SocketType) -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(
        AddressFamily::UNIX,
        kind,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

fn order_file(order: &Order) -> io::Result<File> {
    let mut file = File::from(memfd_create(c"bursar-order", MemfdFlags::CLOEXEC)?);
    file.write_all(&order.encode())?;
    Ok(file)
}

/// The program as a file that is nowhere but in memory. It is opened again to be read, since what
/// somebody may write to can't be run.
fn program_in_memory() -> io::Result<File> {
    let mut file = File::from(memfd_create(c"bursar-warden", MemfdFlags::CLOEXEC)?);
    file.write_all(PROGRAM)?;
    File::open(path_of(&file))
}

fn path_of(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

fn run(program: &File, control: &OwnedFd) -> io::Result<Child> {
    spawn(Command::new(path_of(program)), control)
}

fn spawn(mut command: Command, control: &OwnedFd) -> io::Result<Child> {
    command
        .arg(" ".repeat(TITLE_ROOM))
        .env_clear()
        .current_dir("/");
    command
        .stdin(control.try_clone()?)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn()
}

fn run_file(control: &OwnedFd) -> io::Result<Child> {
    use std::os::unix::fs::OpenOptionsExt;
    let name = format!(
        "bursar-warden-{}-{}",
        std::process::id(),
        control.as_raw_fd()
    );
    let path = std::env::temp_dir().join(name);
    let mut options = File::options();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o700)
        .open(&path)?;
    let written = file.write_all(PROGRAM);
    drop(file);
    let child = written.and_then(|()| spawn(Command::new(&path), control));
    let _ = std::fs::remove_file(&path);
    child
}
