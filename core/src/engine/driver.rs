//! The engine's own thread: what time brings is done here, whatever the host language's loop or
//! lock is busy with. It sleeps until the next moment that matters, so an idle engine costs nothing.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle};
use tokio::sync::Notify;

use crate::clock::{Clock, Tick, Timestamp};
use crate::engine::inner::Inner;
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Later, Line};

/// How often the process's memory is looked at while something runs.
const PRESSURE_PERIOD: Duration = Duration::from_millis(250);

/// How long a store that didn't answer is left alone.
pub(super) const STORE_PAUSE: Duration = Duration::from_secs(1);

/// How many jobs time may change in one go.
pub(super) const STEP: usize = 1_000;

/// How many large results and outputs are written to files at once: a disk isn't faster for more.
const SPILL_THREADS: usize = 2;

const NEVER: u64 = u64::MAX;

/// What is due for an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// Its timeout.
    Timeout,
    /// The end of the grace in which it was to stop.
    Grace,
}

/// The handle of the engine's own thread.
#[derive(Debug)]
pub(crate) struct Driver {
    runtime: Handle,
    shared: Arc<Shared>,
    line: Arc<Line>,
}

#[derive(Debug)]
struct Shared {
    /// The tick of the next wake-up.
    next: AtomicU64,
    wake: Notify,
    closed: AtomicBool,
    /// Attempts with a deadline: their keys, by the tick.
    deadlines: Mutex<BTreeSet<(Tick, u64, Due)>>,
    pressure_due: AtomicU64,
    store_due: AtomicU64,
}

impl Driver {
    /// Starts the thread. It does nothing before [`Driver::run`].
    ///
    /// # Errors
    /// `Unavailable` where the system gives no thread.
    pub(super) fn start(name: &str, clock: Arc<dyn Clock>) -> Result<(Self, DriverStart)> {
        let runtime = Builder::new_current_thread()
            .enable_time()
            .max_blocking_threads(SPILL_THREADS)
            .build()
            .map_err(unavailable)?;
        let shared = Arc::new(Shared {
            next: AtomicU64::new(NEVER),
            wake: Notify::new(),
            closed: AtomicBool::new(false),
            deadlines: Mutex::default(),
            pressure_due: AtomicU64::new(NEVER),
            store_due: AtomicU64::new(NEVER),
        });
        let driver = Self {
            runtime: runtime.handle().clone(),
            shared: Arc::clone(&shared),
            line: Arc::default(),
        };
        let line = Arc::clone(&driver.line);
        let (send, receive) = std::sync::mpsc::channel::<Weak<Inner>>();
        let run = move || {
            if let Ok(engine) = receive.recv() {
                runtime.spawn(line.run());
                runtime.block_on(drive(engine, shared, clock));
            }
        };
        let builder = std::thread::Builder::new().name(format!("bursar-{name}"));
        builder.spawn(run).map_err(unavailable)?;
        Ok((driver, DriverStart(send)))
    }

    /// Runs a future on the thread.
    pub(super) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(future);
    }

    /// Carries on with an answer on the thread, once it is there.
    pub(super) fn carry<T: Send + 'static>(
        &self,
        later: Later<T>,
        next: impl FnOnce(Result<T>) + Send + 'static,
    ) {
        if let Some(future) = later.carry(&self.line, next) {
            self.spawn(future);
        }
    }

    /// Runs what may wait for the disk on a thread beside it.
    pub(super) fn spawn_blocking(&self, run: impl FnOnce() + Send + 'static) {
        // It tells by itself what comes of it.
        drop(self.runtime.spawn_blocking(run));
    }

    /// Makes sure the thread looks at the engine at `tick`.
    pub(super) fn alarm(&self, tick: Tick) {
        if self.shared.next.fetch_min(tick.micros(), Ordering::AcqRel) > tick.micros() {
            self.shared.wake.notify_one();
        }
    }

    /// Looks at the attempt `key` at `deadline`.
    pub(super) fn watch(&self, deadline: Tick, key: u64, due: Due) {
        self.shared.deadlines.lock().insert((deadline, key, due));
        self.alarm(deadline);
    }

    /// Its timeout no longer matters.
    pub(super) fn unwatch(&self, deadline: Tick, key: u64) {
        let timeout = (deadline, key, Due::Timeout);
        self.shared.deadlines.lock().remove(&timeout);
    }

    /// Looks at the memory of the process soon, and again while something runs.
    pub(super) fn watch_pressure(&self, now: Tick) {
        if self.shared.pressure_due.load(Ordering::Relaxed) == NEVER {
            self.schedule(&self.shared.pressure_due, now.after(PRESSURE_PERIOD));
        }
    }

    /// Asks the store again after a pause.
    pub(super) fn retry_store(&self, now: Tick) {
        self.schedule(&self.shared.store_due, now.after(STORE_PAUSE));
    }

    fn schedule(&self, due: &AtomicU64, at: Tick) {
        due.store(at.micros(), Ordering::Relaxed);
        self.alarm(at);
    }

    /// Ends the thread.
    pub(super) fn close(&self) {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.wake.notify_one();
    }

    fn take_deadlines(&self, now: Tick) -> BTreeSet<(Tick, u64, Due)> {
        let mut deadlines = self.shared.deadlines.lock();
        let next = (now.after(Duration::from_micros(1)), 0, Due::Timeout);
        let later = deadlines.split_off(&next);
        std::mem::replace(&mut *deadlines, later)
    }

    fn next_deadline(&self) -> Option<Tick> {
        self.shared.deadlines.lock().first().map(|(tick, ..)| *tick)
    }
}

/// What lets the thread begin, once there is an engine to drive.
#[derive(Debug)]
pub(crate) struct DriverStart(std::sync::mpsc::Sender<Weak<Inner>>);

impl DriverStart {
    pub(super) fn run(self, engine: Weak<Inner>) {
        // A send fails only where the thread has ended, and then there is nothing to drive.
        let _ = self.0.send(engine);
    }
}

async fn drive(engine: Weak<Inner>, shared: Arc<Shared>, clock: Arc<dyn Clock>) {
    loop {
        shared.next.store(NEVER, Ordering::Release);
        {
            let Some(engine) = engine.upgrade() else {
                return;
            };
            engine.on_tick();
        }
        if shared.closed.load(Ordering::Acquire) {
            return;
        }
        // Answers of the store are waiting for this thread too: where time always brings something
        // more, they must have their turn.
        tokio::task::yield_now().await;
        wait(&shared, &*clock).await;
    }
}

async fn wait(shared: &Shared, clock: &dyn Clock) {
    loop {
        let next = shared.next.load(Ordering::Acquire);
        if shared.closed.load(Ordering::Acquire) || clock.tick().micros() >= next {
            return;
        }
        if next == NEVER {
            shared.wake.notified().await;
        } else {
            let timer = clock.wait_until(Tick::from_micros(next));
            either(shared.wake.notified(), timer).await;
        }
    }
}

/// Waits for whichever comes first.
pub(super) async fn either(first: impl Future<Output = ()>, second: impl Future<Output = ()>) {
    let (mut first, mut second) = (std::pin::pin!(first), std::pin::pin!(second));
    std::future::poll_fn(|context| {
        if first.as_mut().poll(context).is_ready() {
            std::task::Poll::Ready(())
        } else {
            second.as_mut().poll(context)
        }
    })
    .await;
}

impl Inner {
    /// Makes sure that the store is asked at `due` what time has brought.
    pub(super) fn alarm_at(&self, due: Timestamp) {
        self.driver.alarm(self.tick().after(due.since(self.now())));
    }

    /// Does whatever the time has come for.
    fn on_tick(&self) {
        let now = self.tick();
        for (_, key, due) in self.driver.take_deadlines(now) {
            self.overdue(key, due);
        }
        if let Some(next) = self.driver.next_deadline() {
            self.driver.alarm(next);
        }
        self.look_at_pressure(now);
        self.look_at_store(now);
        self.promote();
        self.prune();
    }

    fn look_at_pressure(&self, now: Tick) {
        let due = &self.driver.shared.pressure_due;
        if due.load(Ordering::Relaxed) > now.micros() {
            return self.realarm(due);
        }
        due.store(NEVER, Ordering::Relaxed);
        self.measure();
        let busy = {
            let dispatch = self.dispatch.lock();
            !dispatch.running.is_empty() || dispatch.gate.pressed
        };
        if busy {
            self.driver.watch_pressure(now);
        }
    }

    fn look_at_store(&self, now: Tick) {
        let due = &self.driver.shared.store_due;
        if due.load(Ordering::Relaxed) > now.micros() {
            return self.realarm(due);
        }
        due.store(NEVER, Ordering::Relaxed);
        self.dispatch.lock().gate.store_away = false;
        self.ask_again();
        self.pump();
    }

    /// A wake-up for something else must not lose this one.
    fn realarm(&self, due: &AtomicU64) {
        let at = due.load(Ordering::Relaxed);
        if at != NEVER {
            self.driver.alarm(Tick::from_micros(at));
        }
    }
}

fn unavailable(error: std::io::Error) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the engine's thread could not be started",
    )
    .with_source(error)
}
