//! The end of an engine: stop claiming, wait, cancel at the grace, give back what is left, close.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::engine::attempt::{Attempt, Stop, StopKind};
use crate::engine::dispatch::Dispatch;
use crate::engine::driver::either;
use crate::engine::inner::Inner;
use crate::error::Result;
use crate::signal::Signal;

const OPEN: u8 = 0;
const CLOSING: u8 = 1;
const GONE: u8 = 2;

/// How far an engine is with its end, and who waits for that.
#[derive(Debug, Default)]
pub(super) struct Phase {
    at: AtomicU8,
    /// Ends that are on their way: to the store, or from there to those who wait for them.
    under_way: AtomicUsize,
    /// Whether jobs are on their way here that were in the store before.
    reading: AtomicBool,
    watchers: AtomicUsize,
    /// Told when nothing runs that isn't given up on.
    quiet: Mutex<Vec<Arc<Signal<()>>>>,
    /// Told when no job is left.
    empty: Mutex<Vec<Arc<Signal<()>>>>,
    /// Told to cut the first waiting short.
    hurry: Signal<()>,
    closed: Arc<Signal<()>>,
}

impl Phase {
    pub(super) fn is_open(&self) -> bool {
        self.at.load(Ordering::Acquire) == OPEN
    }

    /// Whether every job was let go of.
    pub(super) fn is_gone(&self) -> bool {
        self.at.load(Ordering::SeqCst) == GONE
    }

    /// An end is on its way. Whoever begins it calls [`Inner::arrived`] when all were told.
    pub(super) fn set_out(&self) {
        self.under_way.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether there may be jobs in the store that are not known here yet. A shutdown need not
    /// wait for them.
    pub(super) fn set_reading(&self, reading: bool) {
        self.reading.store(reading, Ordering::SeqCst);
    }

    /// Takes those out whose moment has come.
    fn met(&self, dispatch: &Dispatch) -> Vec<Arc<Signal<()>>> {
        let mut met = Vec::new();
        if self.under_way.load(Ordering::SeqCst) > 0 {
            return met;
        }
        let mut running = dispatch.running.iter();
        if running.all(|(_, attempt)| attempt.is_closed()) {
            met.append(&mut self.quiet.lock());
        }
        let reading = self.reading.load(Ordering::SeqCst);
        let unfinished = !dispatch.tickets.is_empty() || !dispatch.strangers.are_of_others();
        if !reading && !unfinished && dispatch.running.is_empty() {
            met.append(&mut self.empty.lock());
        }
        self.watchers.fetch_sub(met.len(), Ordering::SeqCst);
        met
    }
}

impl Inner {
    /// A signal of the moment when no job is left, and everybody was told of the end of theirs.
    pub(crate) fn drained(&self) -> Arc<Signal<()>> {
        self.when(|phase| &phase.empty)
    }

    fn when(&self, list: impl Fn(&Phase) -> &Mutex<Vec<Arc<Signal<()>>>>) -> Arc<Signal<()>> {
        let signal = Arc::new(Signal::default());
        list(&self.phase).lock().push(Arc::clone(&signal));
        self.phase.watchers.fetch_add(1, Ordering::SeqCst);
        self.look_around();
        signal
    }

    /// An end was told to all who wait for it.
    pub(super) fn arrived(&self) {
        self.phase.under_way.fetch_sub(1, Ordering::SeqCst);
        self.look_around();
    }

    /// Tells those who wait for what this engine has come to. They may call it: not under a lock.
    pub(super) fn look_around(&self) {
        if self.phase.watchers.load(Ordering::SeqCst) == 0 {
            return;
        }
        let met = {
            let dispatch = self.dispatch.lock();
            self.phase.met(&dispatch)
        };
        for signal in met {
            signal.set(());
        }
    }

    /// Begins to shut down; the signal tells when that is done. A second call with no `grace`
    /// cuts the waiting of the first short.
    pub(crate) fn shutdown(&self, grace: Duration) -> Arc<Signal<()>> {
        let closed = Arc::clone(&self.phase.closed);
        let (open, at) = (OPEN, &self.phase.at);
        let begun = at.compare_exchange(open, CLOSING, Ordering::AcqRel, Ordering::Acquire);
        self.dispatch.lock().gate.closing = true;
        if begun.is_ok() {
            if let Some(inner) = self.this.upgrade() {
                self.driver
                    .spawn(async move { inner.wind_down(grace).await });
            }
        } else if grace.is_zero() {
            self.phase.hurry.set(());
        }
        closed
    }

    async fn wind_down(&self, grace: Duration) {
        let hurry = async { self.phase.hurry.wait_async().await };
        either(self.quiet_within(grace), hurry).await;
        self.stop_all();
        self.quiet_within(self.options.grace).await;
        for attempt in self.running() {
            self.kill_or_abandon(&attempt);
        }
        // Their ends are on their way to the store, which may not answer.
        self.quiet_within(self.options.grace).await;
        self.let_go().await;
    }

    /// Waits until nothing runs, at most `time`.
    async fn quiet_within(&self, time: Duration) {
        let quiet = self.when(|phase| &phase.quiet);
        let timer = self.clock.wait_until(self.tick().after(time));
        either(async { quiet.wait_async().await }, timer).await;
    }

    fn stop_all(&self) {
        for attempt in self.running() {
            let reason = Arc::from("the engine shuts down");
            self.ask(
                &attempt,
                Stop {
                    kind: StopKind::Shutdown,
                    reason,
                },
            );
        }
    }

    fn running(&self) -> Vec<Arc<Attempt>> {
        self.dispatch
            .lock()
            .running
            .iter()
            .map(|(_, attempt)| Arc::clone(attempt))
            .collect()
    }

    async fn let_go(&self) {
        self.phase.at.store(GONE, Ordering::SeqCst);
        self.let_go_of_all();
        let closed: Result<()> = self.store.close().await;
        // There is nobody left to tell, and nothing left to do about it.
        drop(closed);
        for (_, executor) in &self.executors {
            executor.close();
        }
        self.phase.closed.set(());
        self.driver.close();
    }

    /// Lets go of every job that has not ended, and tells those who wait.
    pub(super) fn let_go_of_all(&self) {
        let durable = self.store.capabilities().durable;
        self.settle_all(if durable {
            "the engine was closed; the job stays in its store"
        } else {
            "the engine was closed, and its jobs in memory ended with it"
        });
    }
}
