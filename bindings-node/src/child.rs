//! The half of a process that runs jobs: it takes them from the pool that has started it, over a socket, and
//! says there how they ended.

use std::cell::{Cell, RefCell};
use std::os::fd::{FromRawFd, OwnedFd};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use bursar::core::{CHILD_SOCKET, ChildJob, ChildLine, ChildNext, Ended, Failure, Payload};
use napi::bindgen_prelude::{Buffer, Function};
use napi_derive::napi;

use crate::attempt::{AttemptFacts, StopFacts, Thrown, ended_of, json_text};
use crate::bell::Bell;
use crate::error::{Result, fault, internal};
use crate::exchange::{Bytes, Numbers};
use crate::turn::{none, read_end, write_args};

/// How long the next job is waited for before this process's own loop gets its turn.
const PATIENCE: Duration = Duration::from_micros(100);

thread_local! {
    /// What this process serves. Node takes half a microsecond to find what is behind an object's
    /// method; the call that each job costs goes without.
    static HERE: RefCell<Weak<Desk>> = const { RefCell::new(Weak::new()) };
}

struct Desk {
    line: Arc<ChildLine>,
    bell: Arc<Bell>,
    /// The functions that were asked for: tasks and where they are found, by the number of the handler.
    handlers: RefCell<Vec<(String, String)>>,
    job: RefCell<Option<ChildJob>>,
    /// How the job ended, until the next exchange.
    ended: Cell<Option<Ended>>,
}

/// What runs jobs in this process, as JavaScript holds it.
#[napi]
pub struct NativeChild {
    desk: Rc<Desk>,
}

#[napi]
impl NativeChild {
    /// The child that this process is, once. `wake` is called on its loop, soon after there is a job for it
    /// or its job is asked to stop; it must not throw.
    #[napi(constructor, catch_unwind)]
    pub fn new(wake: Function<'_, (), ()>) -> Result<Self> {
        let line = ChildLine::new(socket()).map_err(|error| internal(&error.to_string()))?;
        let line = Arc::new(line);
        let bell = Arc::new(Bell::new(&wake)?);
        watch(Arc::clone(&line), Arc::clone(&bell))?;
        let desk = Rc::new(Desk {
            line,
            bell,
            handlers: RefCell::default(),
            job: RefCell::default(),
            ended: Cell::default(),
        });
        HERE.set(Rc::downgrade(&desk));
        Ok(Self { desk })
    }

    /// Where the function of a handler is found.
    #[napi(catch_unwind)]
    pub fn module(&self, handler: u32) -> Option<String> {
        let handlers = self.desk.handlers.borrow();
        handlers
            .get(handler as usize)
            .map(|(_, module)| module.clone())
    }

    /// The arguments that did not fit, once.
    #[napi(catch_unwind)]
    pub fn args(&self) -> Buffer {
        let args = self.desk.take_args();
        Buffer::from(args.as_host_bytes().unwrap_or_default().to_vec())
    }

    /// The arguments as JSON text, once.
    #[napi(catch_unwind)]
    pub fn args_text(&self) -> Result<String> {
        json_text(&self.desk.take_args())
    }

    /// Notes that the handler returned what these bytes are.
    #[napi(catch_unwind)]
    pub fn returned(&self, bytes: &[u8]) -> Result<()> {
        self.desk.note_result(Payload::host_bytes(bytes))
    }

    /// Notes that the handler returned this JSON text.
    #[napi(catch_unwind)]
    pub fn returned_text(&self, text: String) -> Result<()> {
        self.desk.note_result(Payload::json(text.into_bytes()))
    }

    /// Notes that the handler threw; `bytes` are what it threw, where that can be copied.
    #[napi(catch_unwind)]
    pub fn threw(&self, thrown: Thrown, bytes: Option<&[u8]>) -> Result<()> {
        let live = bytes.map(Payload::host_bytes).unwrap_or_default();
        self.desk.ended.set(Some(ended_of(thrown, live)?));
        Ok(())
    }

    /// Something is about to break this process: what its job did, or, without that, what an earlier one
    /// has left behind.
    #[napi(catch_unwind)]
    pub fn breaks(&self, thrown: Option<Thrown>) {
        self.desk.line.breaks(thrown.map(failure_of).as_ref());
    }

    /// The module of the job is about to be loaded, which is no part of it.
    #[napi(catch_unwind)]
    pub fn loads(&self) -> Result<()> {
        self.desk.key().map(|key| self.desk.line.loads(key))
    }

    /// It was loaded, well or not, and the job begins.
    #[napi(catch_unwind)]
    pub fn loaded(&self) -> Result<()> {
        self.desk.key().map(|key| self.desk.line.loaded(key))
    }

    /// Has another process take the place of this one after its job: there is too much in its heap.
    #[napi(catch_unwind)]
    pub fn replace(&self) {
        if let Ok(key) = self.desk.key() {
            self.desk.line.spent(key);
        }
    }

    /// What the attempt is.
    #[napi(catch_unwind)]
    pub fn attempt_facts(&self) -> Result<AttemptFacts> {
        self.desk.with_job(|job| AttemptFacts {
            id: job.id.to_string(),
            task: job.task.clone(),
            number: job.number,
            memory: job.memory as f64,
            deadline: job.deadline.map(|deadline| deadline.seconds() * 1_000.0),
        })
    }

    /// Why the attempt is asked to stop, if it is.
    #[napi(catch_unwind)]
    pub fn stop_facts(&self) -> Option<StopFacts> {
        // Whatever comes from here on rings again.
        self.desk.bell.answer();
        let stop = self.desk.line.stopped(self.desk.key().ok()?)?;
        Some(StopFacts {
            kind: stop.kind,
            reason: stop.reason,
        })
    }

    /// Says how far the attempt has come.
    #[napi(catch_unwind)]
    pub fn progress(&self, percent: f64, message: Option<String>) -> Result<()> {
        self.desk
            .say(|line, key| line.progress(key, percent, message.as_deref()))
    }

    /// Logs a line.
    #[napi(catch_unwind)]
    pub fn log(&self, level: String, message: String) -> Result<()> {
        self.desk.say(|line, key| line.log(key, &level, &message))
    }

    /// The last checkpoint as JSON text.
    #[napi(catch_unwind)]
    pub fn checkpoint(&self) -> Result<Option<String>> {
        let state = self.desk.with_job(|job| job.checkpoint.clone())?;
        state
            .map(|state| json_text(&Payload::json(state)))
            .transpose()
    }

    /// Saves a checkpoint.
    #[napi(catch_unwind)]
    pub fn save_checkpoint(&self, text: String) -> Result<()> {
        self.desk
            .say(|line, key| line.checkpoint(key, text.as_bytes()))?;
        if let Some(job) = self.desk.job.borrow_mut().as_mut() {
            job.checkpoint = Some(text.into_bytes());
        }
        Ok(())
    }
}

/// Says how the job of this process ended, as `numbers` and `bytes` say, and takes the next one. `numbers`
/// hold its handler then, or that there is none, where its arguments are, and the end of its id.
#[napi(catch_unwind)]
pub(crate) fn child_exchange(numbers: Numbers<'_>, bytes: Bytes<'_>) -> Result<()> {
    let desk = HERE.with_borrow(Weak::upgrade);
    let desk = desk.ok_or_else(|| internal("this process runs no jobs"))?;
    let [how, length, place, last] = numbers else {
        return Err(internal("too few numbers"));
    };
    let ended = read_end(*how, *length, bytes, desk.ended.take())?;
    // Without a job to end it is the loop that asks, which has others waiting.
    let patience = ended.as_ref().map_or(Duration::ZERO, |_| PATIENCE);
    if let Some(ended) = ended {
        desk.end(&ended, *last)?;
    }
    desk.bell.answer();
    *how = none::NOW;
    match desk.line.next(patience) {
        ChildNext::Nothing => {}
        ChildNext::Never => *how = none::EVER,
        ChildNext::Job(job) => {
            *how = desk.handler_of(&job);
            (*length, *place) = write_args(&job.args, bytes);
            *last = end_of_id(&job);
            let key = job.key;
            desk.job.replace(Some(job));
            desk.heed(key);
        }
    }
    Ok(())
}

impl Desk {
    fn with_job<T>(&self, ask: impl FnOnce(&ChildJob) -> T) -> Result<T> {
        let job = self.job.borrow();
        let job = job.as_ref();
        job.map(ask)
            .ok_or_else(|| internal("there is no attempt here"))
    }

    fn key(&self) -> Result<u64> {
        self.with_job(|job| job.key)
    }

    fn take_args(&self) -> Payload {
        let mut job = self.job.borrow_mut();
        job.as_mut()
            .map(|job| std::mem::take(&mut job.args))
            .unwrap_or_default()
    }

    /// The number of the function of a job: the same one for all jobs of a task.
    fn handler_of(&self, job: &ChildJob) -> i32 {
        let mut handlers = self.handlers.borrow_mut();
        let known = handlers
            .iter()
            .position(|(task, module)| *task == job.task && *module == job.address);
        known.unwrap_or_else(|| {
            handlers.push((job.task.clone(), job.address.clone()));
            handlers.len() - 1
        }) as i32
    }

    fn note_result(&self, value: Payload) -> Result<()> {
        ChildLine::check(&value).map_err(fault)?;
        self.ended.set(Some(Ended::Returned(value)));
        Ok(())
    }

    /// `grown` is by how many KiB this process has grown at most.
    fn end(&self, ended: &Ended, grown: i32) -> Result<()> {
        let key = self.key()?;
        self.job.take();
        let peak = u64::try_from(grown).unwrap_or(0) << 10;
        self.line.end(key, ended, peak).map_err(fault)
    }

    fn say(&self, say: impl FnOnce(&ChildLine, u64) -> bursar::core::Result<()>) -> Result<()> {
        let key = self.key()?;
        let said = say(&self.line, key);
        self.heed(key);
        said.map_err(fault)
    }

    /// Whoever reads what comes may have read a request to stop, too.
    fn heed(&self, key: u64) {
        if self.line.stopped(key).is_some() {
            self.bell.ring();
        }
    }
}

fn end_of_id(job: &ChildJob) -> i32 {
    let [.., a, b, c, d] = *job.id.as_bytes();
    i32::from_be_bytes([a, b, c, d])
}

fn failure_of(thrown: Thrown) -> Failure {
    Failure {
        traceback: thrown.traceback,
        ..Failure::new(thrown.kind, thrown.message)
    }
}

/// Wakes the loop for what comes, and ends this process where it doesn't end itself once nothing comes.
fn watch(line: Arc<ChildLine>, bell: Arc<Bell>) -> Result<()> {
    let watcher = std::thread::Builder::new().name("bursar-child".into());
    let watching = move || {
        while line.watch() {
            bell.ring();
        }
        bell.ring();
        line.end_process();
    };
    let started = watcher.spawn(watching).map(drop);
    started.map_err(|error| internal(&format!("no thread could be started: {error}")))
}

fn socket() -> OwnedFd {
    #[expect(unsafe_code, reason = "the descriptor is given by its number")]
    // SAFETY: a process that runs this was started by a pool, which has put its socket there; nobody else in
    // it knows of that descriptor, and this is called once.
    unsafe {
        OwnedFd::from_raw_fd(CHILD_SOCKET)
    }
}
