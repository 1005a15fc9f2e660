//! The contract of a store as a list of jobs that each request walks through: too simple to be
//! wrong, and what every store is compared with.

mod changing;
mod reading;

use bursar_core::{AttemptInfo, JobId, JobInfo, Payload, State, Timestamp};

use super::Settings;

/// One job and what its snapshot doesn't show.
#[derive(Clone, Debug)]
struct Entry {
    info: JobInfo,
    failures: u32,
    checkpoint: Option<Payload>,
    /// When it was last used, as a count of uses.
    used: u64,
}

/// A store as a plain list of jobs.
#[derive(Clone, Debug)]
pub struct Model {
    settings: Settings,
    /// Whether ended jobs are bounded by `max_results`.
    bounded: bool,
    entries: Vec<Entry>,
    uses: u64,
}

impl Model {
    /// An empty model of a store with these settings; `bounded` where it keeps at most
    /// `max_results`.
    #[must_use]
    pub fn new(settings: Settings, bounded: bool) -> Self {
        Self {
            settings,
            bounded,
            entries: Vec::new(),
            uses: 0,
        }
    }

    /// Snapshots of all jobs, oldest first, logs included.
    pub fn jobs(&self) -> impl Iterator<Item = &JobInfo> {
        self.entries.iter().map(|entry| &entry.info)
    }

    fn by_sequence(&mut self, sequence: u64) -> Option<&mut Entry> {
        let mut entries = self.entries.iter_mut();
        entries.find(|entry| entry.info.sequence == sequence)
    }

    fn by_id(&mut self, id: JobId) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.info.id == id)
    }

    fn running(&mut self, sequence: u64, attempt: u32) -> Option<&mut Entry> {
        self.by_sequence(sequence)
            .filter(|entry| entry.info.state == State::Running && entry.info.attempt == attempt)
    }

    /// When an ended job is forgotten; `None` while it has not ended.
    fn forgotten_at(&self, info: &JobInfo) -> Option<Timestamp> {
        let ttl = info.spec.result_ttl.unwrap_or(self.settings.result_ttl);
        Some(info.finished?.after(ttl))
    }
}

impl Entry {
    /// By when it must have started; `None` once it has, or has ended.
    fn expires_at(&self) -> Option<Timestamp> {
        let waits = matches!(self.info.state, State::Queued | State::Scheduled);
        let expires = self.info.spec.expires?;
        (waits && self.info.attempt == 0).then(|| self.info.created.after(expires))
    }

    /// When time will make it queued.
    fn due_at(&self) -> Option<Timestamp> {
        let waits = matches!(self.info.state, State::Scheduled | State::Retrying);
        self.info.scheduled.filter(|_| waits)
    }

    fn newest_attempt(&mut self) -> Option<&mut AttemptInfo> {
        self.info.attempts.last_mut()
    }
}
