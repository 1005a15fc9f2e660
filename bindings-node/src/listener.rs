//! Listening to events: polled by the loop, which is told when there is one.

use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bursar::core::{Event, Events};
use napi_derive::napi;

use crate::engine::NativeEngine;
use crate::error::{Result, fault};
use crate::mailbox::Mailbox;
use crate::snapshot::event_json;
use crate::tables::Listening;

/// Tells the loop that a listener has an event.
struct Ready {
    mailbox: Arc<Mailbox>,
    listener: u32,
}

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.mailbox.waiter_ready(self.listener);
    }
}

#[napi]
impl NativeEngine {
    /// Listens from now on to the job `id`, or to all; gives the number of the listener.
    #[napi(catch_unwind)]
    pub fn listen(&self, id: Option<String>) -> Result<u32> {
        let id = id.map(|id| id.parse()).transpose().map_err(fault)?;
        let listening = next(self.engine.events(id));
        Ok(self.tables.borrow_mut().listeners.add(Some(listening)))
    }

    /// The next event of a listener as JSON; nothing while there is none. `ready` is the waiter
    /// that is made ready when there is one.
    #[napi(catch_unwind)]
    pub fn next_event(&self, listener: u32, ready: u32) -> Option<String> {
        let listening = self
            .tables
            .borrow_mut()
            .listeners
            .get_mut(listener)?
            .take()?;
        let mailbox = Arc::clone(&self.mailbox);
        let waker = Waker::from(Arc::new(Ready {
            mailbox,
            listener: ready,
        }));
        let (listening, event) = poll(listening, &mut Context::from_waker(&waker));
        if let Some(slot) = self.tables.borrow_mut().listeners.get_mut(listener) {
            *slot = Some(listening);
        }
        event.map(|event| event_json(&event))
    }

    /// Stops listening.
    #[napi(catch_unwind)]
    pub fn unlisten(&self, listener: u32) {
        let listening = self.tables.borrow_mut().listeners.remove(listener);
        drop(listening);
    }
}

fn next(mut events: Events) -> Listening {
    Box::pin(async move {
        let event = events.next().await;
        (events, event)
    })
}

fn poll(mut listening: Listening, context: &mut Context<'_>) -> (Listening, Option<Event>) {
    match listening.as_mut().poll(context) {
        Poll::Pending => (listening, None),
        Poll::Ready((events, event)) => (next(events), event),
    }
}
