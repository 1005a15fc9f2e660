//! How much processor time was used lately.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::micros;

/// What use of the processors is averaged over. A tree that is younger is taken to have used nothing
/// before, so a short burst is not too much.
pub(super) const SPAN: Duration = Duration::from_secs(5);

/// Looks that are closer together than this count as one.
const STEP: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Window {
    /// The newest look that is older than the span, and all that followed.
    looks: VecDeque<(Duration, Duration)>,
}

impl Window {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            looks: VecDeque::from([(now, Duration::ZERO)]),
        }
    }

    /// The average use, in thousandths of a core.
    pub(super) fn observe(&mut self, now: Duration, cpu_time: Duration) -> u64 {
        while let [_, (next, _), ..] = *self.looks.make_contiguous()
            && now.saturating_sub(next) >= SPAN
        {
            self.looks.pop_front();
        }
        let newest = self.looks.back().copied().unwrap_or_default();
        if now.saturating_sub(newest.0) >= STEP {
            self.looks.push_back((now, cpu_time));
        }
        let (since, before) = self.looks.front().copied().unwrap_or_default();
        let span = now.saturating_sub(since).max(SPAN);
        let used = cpu_time.saturating_sub(before);
        micros(used).saturating_mul(1_000) / micros(span).max(1)
    }
}
