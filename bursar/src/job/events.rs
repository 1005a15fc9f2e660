//! What happens to one job, until it has ended.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bursar_core::{Event, Events, Ticket};

/// Listens to one job; see [`Job::events`](crate::Job::events).
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// # let engine = bursar::Engine::open("memory:").start().await?;
/// use bursar::{EventKind, State};
///
/// let greet = engine.task("greet").run(|(): ()| async { "hello".to_owned() })?;
/// let job = greet.call(()).delay("10ms").await?;
/// let mut events = job.events();
/// let mut states = Vec::new();
/// while let Some(event) = events.next().await {
///     if let EventKind::State(state) = event.kind {
///         states.push(state);
///     }
/// }
/// assert_eq!(states.last(), Some(&State::Completed));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct JobEvents {
    events: Events,
    ticket: Arc<Ticket>,
}

impl JobEvents {
    pub(crate) fn new(events: Events, ticket: Arc<Ticket>) -> Self {
        Self { events, ticket }
    }

    /// The next event; `None` once the job has ended and all was told.
    pub async fn next(&mut self) -> Option<Event> {
        if self.ticket.is_done() {
            return self.events.try_next();
        }
        let event = {
            let mut event = pin!(self.events.next());
            let mut end = pin!(self.ticket.wait_async());
            std::future::poll_fn(|context| match event.as_mut().poll(context) {
                Poll::Ready(event) => Poll::Ready(event),
                Poll::Pending => end.as_mut().poll(context).map(|_| None),
            })
            .await
        };
        // The end is told after its event was sent, so nothing comes later.
        event.or_else(|| self.events.try_next())
    }
}
