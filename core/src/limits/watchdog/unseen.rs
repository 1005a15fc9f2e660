//! What a process uses whose jobs are too short to be looked at.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Watched;
use super::round::Round;

/// Memory that counts with that of all trees, though nobody looks at it. Dropped, it doesn't any more.
#[must_use = "dropped, it counts no longer"]
#[derive(Debug)]
pub(crate) struct Unseen {
    round: Arc<Round>,
    bytes: u64,
}

impl Watched {
    /// Lets go of it without a last look, since its root runs another attempt by now. What it had counts on.
    pub(crate) fn look_away(mut self) -> Unseen {
        self.last_look = false;
        let (round, bytes) = (Arc::clone(&self.round), self.post.memory());
        round.unseen.fetch_add(bytes, Ordering::Relaxed);
        Unseen { round, bytes }
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        self.round.unseen.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
