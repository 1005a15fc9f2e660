//! The half of a worker thread: it takes jobs of its pool and reports how they ended, itself.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use bursar::core::{Assignment, Attempt, Ended, Engine, Handler, Payload};
use napi::bindgen_prelude::{Buffer, Function};
use napi_derive::napi;
use parking_lot::Mutex;

use crate::attempt::{
    AttemptFacts, StopFacts, Thrown, ended_of, facts_of, json_text, let_go, stop_of,
};
use crate::bell::Bell;
use crate::error::{Result, fault, internal};
use crate::exchange::{Bytes, Numbers};
use crate::pool::{Pool, Taken};
use crate::turn::{none, read_end, write_args};

/// What a worker that was ordered finds once its thread is there, by its key.
static POSTS: LazyLock<Mutex<BTreeMap<u32, Post>>> = LazyLock::new(Mutex::default);

/// The key given last. None is given twice: a worker that is gone must not be taken for another.
static LAST: AtomicU32 = AtomicU32::new(0);

thread_local! {
    /// The worker that this thread is. Node takes half a microsecond to find what is behind an
    /// object's method; the call that each job costs goes without.
    static HERE: RefCell<Weak<Desk>> = const { RefCell::new(Weak::new()) };
}

/// A worker of a pool that is about to begin.
pub(crate) struct Post {
    pub(crate) pool: Pool,
    pub(crate) engine: Engine,
    pub(crate) worker: u32,
}

/// Keeps a post for the thread that comes for it.
pub(crate) fn announce(post: Post) -> u32 {
    let key = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    POSTS.lock().insert(key, post);
    key
}

/// Nobody comes for it any more.
pub(crate) fn withdraw(key: u32) {
    let post = POSTS.lock().remove(&key);
    drop(post);
}

struct Desk {
    post: Post,
    bell: Arc<Bell>,
    attempt: RefCell<Option<Arc<Attempt>>>,
    args: Cell<Payload>,
    /// How the job ended, until the next exchange.
    ended: Cell<Option<Ended>>,
}

/// One worker, as its thread holds it.
#[napi]
pub struct NativeWorker {
    desk: Rc<Desk>,
}

#[napi]
impl NativeWorker {
    /// The worker that was announced with `key`, in its own thread. `wake` is called on its loop,
    /// soon after there is a job for it or its job is asked to stop; it must not throw.
    #[napi(constructor, catch_unwind)]
    pub fn new(key: u32, wake: Function<'_, (), ()>) -> Result<Self> {
        let post = POSTS.lock().remove(&key);
        let post = post.ok_or_else(|| internal("nobody has asked for this worker"))?;
        let bell = Arc::new(Bell::new(&wake)?);
        post.pool.begun(post.worker, Arc::clone(&bell));
        let desk = Rc::new(Desk {
            post,
            bell,
            attempt: RefCell::default(),
            args: Cell::default(),
            ended: Cell::default(),
        });
        HERE.set(Rc::downgrade(&desk));
        Ok(Self { desk })
    }

    /// Whether arguments and results are passed on as they are, without being made JSON.
    #[napi(getter, catch_unwind)]
    pub fn live(&self) -> bool {
        let engine = &self.desk.post.engine;
        engine.capabilities().live_payloads && !engine.options().strict
    }

    /// Where the function of a handler is found.
    #[napi(catch_unwind)]
    pub fn module(&self, handler: u32) -> Option<String> {
        let module = self.desk.post.pool.module(u64::from(handler));
        module.map(|module| module.to_string())
    }

    /// The arguments that did not fit, once.
    #[napi(catch_unwind)]
    pub fn args(&self) -> Buffer {
        let args = self.desk.args.take();
        Buffer::from(args.as_host_bytes().unwrap_or_default().to_vec())
    }

    /// The arguments as JSON text, once.
    #[napi(catch_unwind)]
    pub fn args_text(&self) -> Result<String> {
        json_text(&self.desk.args.take())
    }

    /// Notes that the handler returned what these bytes are.
    #[napi(catch_unwind)]
    pub fn returned(&self, bytes: &[u8]) {
        let ended = Ended::Returned(Payload::host_bytes(bytes));
        self.desk.ended.set(Some(ended));
    }

    /// Notes that the handler returned this JSON text.
    #[napi(catch_unwind)]
    pub fn returned_text(&self, text: String) {
        let ended = Ended::Returned(Payload::json(text.into_bytes()));
        self.desk.ended.set(Some(ended));
    }

    /// Notes that the handler threw; `bytes` are what it threw, where that can be copied.
    #[napi(catch_unwind)]
    pub fn threw(&self, thrown: Thrown, bytes: Option<&[u8]>) -> Result<()> {
        let live = bytes.map(Payload::host_bytes).unwrap_or_default();
        self.desk.ended.set(Some(ended_of(thrown, live)?));
        Ok(())
    }

    /// What breaks the thread from here on until its next job is not the fault of its job.
    #[napi(catch_unwind)]
    pub fn acquit(&self) {
        self.desk.post.pool.acquit(self.desk.post.worker);
    }

    /// Has another worker take the place of this one after its job: there is too much in its heap.
    #[napi(catch_unwind)]
    pub fn replace(&self) {
        self.desk.post.pool.replace(self.desk.post.worker);
    }

    /// What the attempt is.
    #[napi(catch_unwind)]
    pub fn attempt_facts(&self) -> Result<AttemptFacts> {
        Ok(facts_of(&self.desk.post.engine, &*self.desk.attempt()?))
    }

    /// Why the attempt is asked to stop, if it is.
    #[napi(catch_unwind)]
    pub fn stop_facts(&self) -> Option<StopFacts> {
        // Whatever comes from here on rings again.
        self.desk.bell.answer();
        stop_of(&*self.desk.attempt().ok()?)
    }

    /// Says how far the attempt has come.
    #[napi(catch_unwind)]
    pub fn progress(&self, percent: f64, message: Option<String>) -> Result<()> {
        let reply = self.desk.attempt()?.progress(percent, message.as_deref());
        let_go(&self.desk.post.engine, reply.map_err(fault)?)
    }

    /// Logs a line.
    #[napi(catch_unwind)]
    pub fn log(&self, level: String, message: String) -> Result<()> {
        let reply = self.desk.attempt()?.log(&level, &message);
        let_go(&self.desk.post.engine, reply)
    }

    /// The last checkpoint as JSON text.
    #[napi(catch_unwind)]
    pub fn checkpoint(&self) -> Result<Option<String>> {
        let state = self.desk.attempt()?.checkpoint();
        state.map(|state| json_text(&state)).transpose()
    }

    /// Saves a checkpoint.
    #[napi(catch_unwind)]
    pub fn save_checkpoint(&self, text: String) -> Result<()> {
        let state = Payload::json(text.into_bytes());
        let reply = self.desk.attempt()?.save_checkpoint(state);
        reply.and_then(|reply| reply.wait()).map_err(fault)
    }
}

/// Reports how the job of this thread ended, as `numbers` and `bytes` say, and takes the next one.
/// `numbers` hold its handler then, or that there is none, and where its arguments are.
#[napi(catch_unwind)]
pub(crate) fn worker_exchange(numbers: Numbers<'_>, bytes: Bytes<'_>) -> Result<()> {
    let desk = HERE.with_borrow(Weak::upgrade);
    let desk = desk.ok_or_else(|| internal("this thread is no worker"))?;
    let [how, length, place, ..] = numbers else {
        return Err(internal("too few numbers"));
    };
    desk.report(*how, *length, bytes)?;
    *how = none::NOW;
    desk.bell.answer();
    match desk.post.pool.take(desk.post.worker) {
        Taken::Nothing => {}
        Taken::Never => *how = none::EVER,
        Taken::Job(assignment) => {
            *how = handler_of(&assignment)?;
            (*length, *place) = desk.begin(assignment, bytes);
        }
    }
    Ok(())
}

fn handler_of(assignment: &Assignment) -> Result<i32> {
    match assignment.handler() {
        Some(&Handler::Host(handler)) => Ok(handler as i32),
        _ => Err(internal("a job without a handler")),
    }
}

impl Desk {
    fn attempt(&self) -> Result<Arc<Attempt>> {
        let attempt = self.attempt.borrow().clone();
        attempt.ok_or_else(|| internal("there is no attempt here"))
    }

    fn report(&self, how: i32, length: i32, bytes: &[u8]) -> Result<()> {
        let Some(ended) = read_end(how, length, bytes, self.ended.take())? else {
            return Ok(());
        };
        // The engine uses attempts again that nobody holds.
        drop(self.attempt.take());
        self.post.pool.finish(self.post.worker, ended);
        Ok(())
    }

    /// Where the arguments are: a number of bytes, and what they are.
    fn begin(&self, assignment: Assignment, bytes: &mut [u8]) -> (i32, i32) {
        let Assignment { attempt, args, .. } = assignment;
        self.attempt.replace(Some(attempt));
        let place = write_args(&args, bytes);
        self.args.set(args);
        place
    }
}
