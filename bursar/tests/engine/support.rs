//! What several tests need.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bursar::testing::ManualClock;
use bursar::{Engine, EngineBuilder, EventKind, Job, State};
use tokio::sync::Semaphore;

/// An engine in memory whose clock stands still.
pub(crate) fn frozen() -> (EngineBuilder, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    let builder = Engine::open("memory:")
        .clock(Arc::clone(&clock) as _)
        .seed(7);
    (builder, clock)
}

/// Something that tasks wait for until the test opens it.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    pub(crate) fn open(&self) {
        self.0.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    pub(crate) async fn passed(&self) {
        drop(self.0.acquire().await.unwrap());
    }
}

/// Waits until `job` is in `state`.
pub(crate) async fn reaches<T>(job: &Job<T>, state: State) {
    let mut events = job.events();
    if job.state().await.unwrap() == state {
        return;
    }
    while let Some(event) = events.next().await {
        if event.kind == EventKind::State(state) {
            return;
        }
    }
    panic!("job {} ended without being {state}", job.id());
}

/// Moves the clock on, a second at a time, until `future` is there. The engine sets its timers on
/// a thread of its own, so a single step could come before one is set.
pub(crate) async fn in_time<T>(clock: &ManualClock, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..10_000 {
        let patience = Duration::from_millis(2);
        if let Ok(value) = tokio::time::timeout(patience, &mut future).await {
            return value;
        }
        clock.advance(Duration::from_secs(1));
    }
    panic!("hours went by and it did not come");
}
