//! What the threads of one open store know of it together.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use bursar_core::Timestamp;

/// How far this store is known to those who follow it.
#[derive(Debug, Default)]
pub(crate) struct Here {
    /// Its first session: what it submits and changes goes by this number.
    pub(crate) handle: i64,
    /// Its session at the moment.
    pub(crate) session: AtomicI64,
    /// What was changed after this one is not in the pages of unfinished jobs.
    began: AtomicI64,
    /// Changes were forgotten before they were told: jobs of our own may be among them.
    gap: AtomicBool,
    /// The latest time that was told with a request, in microseconds.
    latest: AtomicU64,
}

impl Here {
    pub(crate) fn new(handle: i64, last_change: i64) -> Self {
        Self {
            handle,
            session: AtomicI64::new(handle),
            began: AtomicI64::new(last_change),
            ..Self::default()
        }
    }

    pub(crate) fn began(&self) -> i64 {
        self.began.load(Ordering::SeqCst)
    }

    /// The session whose jobs need not be told again; 0 for none.
    pub(crate) fn known(&self) -> i64 {
        if self.gap.load(Ordering::SeqCst) {
            0
        } else {
            self.handle
        }
    }

    /// Changes before `last` are not known any more.
    pub(crate) fn begin_again(&self, last: i64) {
        self.began.store(last, Ordering::SeqCst);
        self.gap.store(true, Ordering::SeqCst);
    }

    pub(crate) fn note_time(&self, now: Timestamp) {
        self.latest.fetch_max(now.micros(), Ordering::Relaxed);
    }

    pub(crate) fn latest(&self) -> u64 {
        self.latest.load(Ordering::Relaxed)
    }
}
