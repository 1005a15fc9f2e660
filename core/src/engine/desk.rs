//! The one hot lock of an engine, and the inbox in front of it: whoever only brings a new job
//! leaves it there and need not wait for the lock.

use std::sync::Arc;

use crate::engine::dispatch::Dispatch;
use crate::engine::ticket::Ticket;
use crate::hot_mutex::HotMutex;
use crate::inbox::Inbox;
use crate::sync::MutexGuard;

/// A [`Dispatch`] behind its lock. Whoever takes the lock finds in it all jobs that were brought
/// before.
#[derive(Debug)]
pub(super) struct Desk {
    dispatch: HotMutex<Dispatch>,
    inbox: HotMutex<Inbox<Brought>>,
}

/// A new job, and whether it is queued, or waits for its time.
#[derive(Debug)]
struct Brought {
    ticket: Arc<Ticket>,
    queued: bool,
}

impl Desk {
    pub(super) fn new(dispatch: Dispatch) -> Self {
        Self {
            dispatch: HotMutex::new(dispatch),
            inbox: HotMutex::new(Inbox::default()),
        }
    }

    /// Brings a new job that nobody else can know yet.
    pub(super) fn bring(&self, ticket: Arc<Ticket>, queued: bool) {
        self.inbox.lock().push(Brought { ticket, queued });
    }

    /// Takes the lock.
    pub(super) fn lock(&self) -> MutexGuard<'_, Dispatch> {
        let mut dispatch = self.dispatch.lock();
        let mut arrived = self.inbox.lock().empty();
        for Brought { ticket, queued } in arrived.drain(..) {
            dispatch.take_in(ticket, queued);
        }
        if arrived.capacity() > 0 {
            self.inbox.lock().give_back(arrived);
        }
        dispatch
    }
}
