//! The one way to reach the loop from another thread: a bell, rung once for whatever has come
//! until the loop looks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};

use napi::Status;
use napi::bindgen_prelude::Function;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use parking_lot::Mutex;

use crate::error::{Code, Result};

/// A weak function: a bell that may still ring doesn't keep the process alive.
type Call = ThreadsafeFunction<(), (), (), Status, false, true>;

thread_local! {
    /// Asking the thread itself takes a share in it each time.
    static THREAD: ThreadId = thread::current().id();
}

/// Wakes the loop.
pub(crate) struct Bell {
    call: Mutex<Option<Call>>,
    /// Whether the loop has been told and hasn't looked since.
    rung: AtomicBool,
    home: ThreadId,
    /// Whether the loop's own thread is in a call after which it looks anyway.
    attended: AtomicBool,
}

impl Bell {
    /// A bell for the loop of this thread that calls `wake`.
    pub(crate) fn new(wake: &Function<'_, (), ()>) -> Result<Self> {
        let call = wake
            .build_threadsafe_function::<()>()
            .weak::<true>()
            .build_callback(|_| Ok(()))
            .map_err(|error| napi::Error::new(Code::from(error.status), error.reason.clone()))?;
        Ok(Self {
            call: Mutex::new(Some(call)),
            rung: AtomicBool::new(false),
            home: thread::current().id(),
            attended: AtomicBool::new(false),
        })
    }

    /// Tells the loop to look, unless it is about to.
    pub(crate) fn ring(&self) {
        if self.attended.load(Ordering::Relaxed) && self.is_home() {
            return;
        }
        if self.rung.swap(true, Ordering::SeqCst) {
            return;
        }
        if let Some(call) = &*self.call.lock() {
            // Where the environment is going away, nobody is left to be told; the function knows.
            let _ = call.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// Whether this is the loop's thread.
    pub(crate) fn is_home(&self) -> bool {
        THREAD.with(|thread| *thread == self.home)
    }

    /// The loop looks: what comes from here on rings again.
    pub(crate) fn answer(&self) {
        self.rung.store(false, Ordering::SeqCst);
    }

    /// Runs `work` on the loop's thread; the loop looks afterwards without being told.
    pub(crate) fn attend<T>(&self, work: impl FnOnce() -> T) -> T {
        let _guard = Attended::begin(&self.attended);
        work()
    }

    /// Never rings again.
    pub(crate) fn remove(&self) {
        let call = self.call.lock().take();
        drop(call);
    }
}

/// Ends the attention where the work panics, too.
struct Attended<'a>(&'a AtomicBool, bool);

impl<'a> Attended<'a> {
    fn begin(flag: &'a AtomicBool) -> Self {
        let before = flag.swap(true, Ordering::Relaxed);
        Self(flag, before)
    }
}

impl Drop for Attended<'_> {
    fn drop(&mut self) {
        self.0.store(self.1, Ordering::Relaxed);
    }
}
