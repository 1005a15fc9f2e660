use std::time::Duration;

use bursar_core::Durability;

/// How a [`SqliteStore`](crate::SqliteStore) is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// What an acknowledged change survives; default: power loss too.
    pub durability: Durability,
    /// How long an ended job is kept where its task doesn't say; default 7 days.
    pub result_ttl: Duration,
    /// How long a process that runs jobs may give no sign of life, as others see it; it gives one
    /// three times in that. One whose process has ended is noticed at once. Default 10 s.
    pub lease: Duration,
    /// How long it is waited beyond the lease before its jobs are given back; default 5 s.
    ///
    /// Lease and grace together are also how long it is waited for one that stands still in the
    /// middle of a write: it keeps everybody from writing, and what was asked fails then.
    pub lease_grace: Duration,
    /// What the random part of job ids starts from; default: a different one each time.
    pub seed: Option<u64>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Full,
            result_ttl: Duration::from_secs(7 * 24 * 3_600),
            lease: Duration::from_secs(10),
            lease_grace: Duration::from_secs(5),
            seed: None,
        }
    }
}

impl SqliteOptions {
    /// How long another process may stand still.
    pub(crate) fn patience(&self) -> Duration {
        self.lease.saturating_add(self.lease_grace)
    }
}
