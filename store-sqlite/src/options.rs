use std::time::Duration;

use bursar_core::Durability;

/// How a [`SqliteStore`](crate::SqliteStore) is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// What an acknowledged change survives; default: power loss too.
    pub durability: Durability,
    /// How long an ended job is kept where its task doesn't say; default 7 days.
    pub result_ttl: Duration,
    /// What the random part of job ids starts from; default: a different one each time.
    pub seed: Option<u64>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Full,
            result_ttl: Duration::from_secs(7 * 24 * 3_600),
            seed: None,
        }
    }
}
