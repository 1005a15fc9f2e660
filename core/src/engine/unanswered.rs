//! What a store that did not answer must be asked again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::clock::Timestamp;
use crate::engine::finish::Judged;
use crate::engine::inner::Inner;
use crate::engine::ticket::Ticket;

/// Requests to make again.
#[derive(Debug, Default)]
pub(super) struct Unanswered {
    ends: Mutex<Vec<(Judged, Timestamp)>>,
    tickets: Mutex<Vec<Arc<Ticket>>>,
    /// Whether the store may have promoted jobs without being able to say so.
    promotion_lost: AtomicBool,
}

impl Unanswered {
    /// Ends to record again, of attempts that gave back what they held, or will when they end.
    pub(super) fn keep_ends(&self, judged: Judged, now: Timestamp) {
        self.ends.lock().push((judged, now));
    }

    /// A job to look up again.
    pub(super) fn keep_ticket(&self, ticket: Arc<Ticket>) {
        self.tickets.lock().push(ticket);
    }

    pub(super) fn lose_promotion(&self) {
        self.promotion_lost.store(true, Ordering::Relaxed);
    }

    /// Whether a promotion was lost since this was last asked.
    pub(super) fn take_lost_promotion(&self) -> bool {
        self.promotion_lost.swap(false, Ordering::Relaxed)
    }

    fn is_empty(&self) -> bool {
        self.ends.lock().is_empty() && self.tickets.lock().is_empty()
    }
}

impl Inner {
    /// Starts nothing until the store is asked again.
    pub(super) fn pause_for_store(&self) {
        self.dispatch.lock().gate.store_away = true;
        self.driver.retry_store(self.tick());
    }

    /// Makes the requests again that were not answered.
    pub(super) fn ask_again(&self) {
        if self.unanswered.is_empty() {
            return;
        }
        let ends = std::mem::take(&mut *self.unanswered.ends.lock());
        for (judged, now) in ends {
            self.record(judged, now, false);
        }
        let tickets = std::mem::take(&mut *self.unanswered.tickets.lock());
        for ticket in tickets {
            self.recover(ticket);
        }
    }
}
