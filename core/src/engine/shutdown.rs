//! The end of an engine: stop claiming, wait, cancel at the grace, give back what is left, close.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::engine::attempt::{Attempt, Stop, StopKind};
use crate::engine::dispatch::Dispatch;
use crate::engine::inner::Inner;
use crate::error::Result;
use crate::signal::Signal;

const OPEN: u8 = 0;
const CLOSING: u8 = 1;

/// How far an engine is with its end, and who waits for that.
#[derive(Debug, Default)]
pub(super) struct Phase {
    at: AtomicU8,
    /// Told when nothing runs.
    quiet: Mutex<Vec<Arc<Signal<()>>>>,
    /// Told when no job is left.
    empty: Mutex<Vec<Arc<Signal<()>>>>,
    closed: Arc<Signal<()>>,
}

impl Phase {
    pub(super) fn is_open(&self) -> bool {
        self.at.load(Ordering::Acquire) == OPEN
    }

    /// Looks whether someone waits for what `dispatch` has come to.
    pub(super) fn note(&self, dispatch: &Dispatch) {
        if dispatch.running.is_empty() {
            tell(&self.quiet);
        }
        if dispatch.tickets.is_empty() && dispatch.running.is_empty() {
            tell(&self.empty);
        }
    }
}

fn tell(list: &Mutex<Vec<Arc<Signal<()>>>>) {
    let waiting = std::mem::take(&mut *list.lock());
    for signal in waiting {
        signal.set(());
    }
}

impl Inner {
    /// A signal of the moment when no job is left.
    pub(crate) fn drained(&self) -> Arc<Signal<()>> {
        self.when(|phase| &phase.empty)
    }

    fn when(&self, list: impl Fn(&Phase) -> &Mutex<Vec<Arc<Signal<()>>>>) -> Arc<Signal<()>> {
        let signal = Arc::new(Signal::default());
        let dispatch = self.dispatch.lock();
        list(&self.phase).lock().push(Arc::clone(&signal));
        self.phase.note(&dispatch);
        signal
    }

    /// Begins to shut down; the signal tells when that is done. A second call with no `grace`
    /// cuts the waiting of the first short.
    pub(crate) fn shutdown(&self, grace: Duration) -> Arc<Signal<()>> {
        let closed = Arc::clone(&self.phase.closed);
        let first = self.phase.at.swap(CLOSING, Ordering::AcqRel) == OPEN;
        self.dispatch.lock().gate.closing = true;
        if first {
            if let Some(inner) = self.this.upgrade() {
                self.driver
                    .spawn(async move { inner.wind_down(grace).await });
            }
        } else if grace.is_zero() {
            self.stop_all();
        }
        closed
    }

    async fn wind_down(&self, grace: Duration) {
        self.quiet_within(grace).await;
        self.stop_all();
        self.quiet_within(self.options.grace).await;
        for attempt in self.running() {
            self.abandon(&attempt);
        }
        self.let_go().await;
    }

    /// Waits until nothing runs, at most `time`.
    async fn quiet_within(&self, time: Duration) {
        let quiet = self.when(|phase| &phase.quiet);
        let timer = self.clock.wait_until(self.tick().after(time));
        crate::engine::driver::either(async { quiet.wait_async().await }, timer).await;
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
        let durable = self.store.capabilities().durable;
        self.settle_all(if durable {
            "the engine was closed; the job stays in its store"
        } else {
            "the engine was closed, and its jobs in memory ended with it"
        });
        let closed: Result<()> = self.store.close().await;
        // There is nobody left to tell, and nothing left to do about it.
        drop(closed);
        for (_, executor) in &self.executors {
            executor.close();
        }
        self.phase.closed.set(());
        self.driver.close();
    }
}
