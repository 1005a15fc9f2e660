//! The store that all share, and who has changed what in it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::task::Waker;

use bursar_core::{
    Batch, Cancel, Cancelled, Claim, Claimed, Fenced, Finish, Get, JobId, JobInfo, MemoryStore,
    Note, OutcomeKind, Promote, Promoted, Ref, Result, Spec, State, Store, Submit, Submitted,
    Timestamp,
};

/// Who changes something when a process ends: it is told to everybody.
const NOBODY: usize = usize::MAX;

/// What is known of a job beside what the store keeps.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) id: JobId,
    pub(super) spec: Arc<Spec>,
    /// The handle that made it.
    pub(super) maker: usize,
    /// The session that runs it, or ran it last.
    pub(super) session: usize,
    pub(super) losses: Vec<Timestamp>,
    pub(super) stop: Option<Arc<str>>,
}

/// The handle of one process.
#[derive(Debug, Default)]
pub(super) struct Handle {
    session: usize,
    pub(super) closed: bool,
    pub(super) held: bool,
    /// Whether what it has read is kept from it, and whether there is any.
    keeps_page: bool,
    pub(super) has_page: bool,
    /// How many changes there were when it began to read what has not ended.
    pub(super) began: u64,
}

#[derive(Debug)]
pub(super) struct Hub {
    pub(super) store: MemoryStore,
    pub(super) handles: Vec<Handle>,
    pub(super) jobs: BTreeMap<u64, Known>,
    /// The sequence of the job, and who has changed it.
    pub(super) changes: Vec<(u64, usize)>,
    /// So many of the first changes are not known any more.
    pub(super) forgotten: usize,
    pub(super) wakers: Vec<Waker>,
    pub(super) now: Timestamp,
    living: HashSet<usize>,
    sessions: usize,
}

impl Hub {
    pub(super) fn new(store: MemoryStore) -> Self {
        Self {
            store,
            handles: Vec::new(),
            jobs: BTreeMap::new(),
            changes: Vec::new(),
            forgotten: 0,
            wakers: Vec::new(),
            now: Timestamp::default(),
            living: HashSet::new(),
            sessions: 0,
        }
    }

    pub(super) fn open(&mut self) -> usize {
        self.handles.push(Handle::default());
        let handle = self.handles.len() - 1;
        self.begin_session(handle);
        handle
    }

    fn begin_session(&mut self, handle: usize) {
        self.sessions += 1;
        self.living.insert(self.sessions);
        self.handles[handle].session = self.sessions;
    }

    pub(super) fn is_closed(&self, handle: usize) -> bool {
        self.handles[handle].closed
    }

    pub(super) fn lives(&self, session: usize) -> bool {
        self.living.contains(&session)
    }

    pub(super) fn hold(&mut self, handle: usize, held: bool) {
        self.handles[handle].held = held;
        self.wake();
    }

    pub(super) fn keep_page(&mut self, handle: usize, keep: bool) {
        self.handles[handle].keeps_page = keep;
        self.wake();
    }

    pub(super) fn keeps_page(&self, handle: usize) -> bool {
        let handle = &self.handles[handle];
        handle.keeps_page && !handle.closed
    }

    pub(super) fn has_page(&self, handle: usize) -> bool {
        self.handles[handle].has_page
    }

    pub(super) fn forget_changes(&mut self) {
        self.forgotten = self.changes.len();
        self.wake();
    }

    pub(super) fn close(&mut self, handle: usize) {
        if !self.handles[handle].closed {
            self.end_session(handle);
            self.handles[handle].closed = true;
        }
        self.wake();
    }

    /// What the session runs is an orphan from now on; the handle goes on with a new one.
    pub(super) fn end_session(&mut self, handle: usize) {
        let session = self.handles[handle].session;
        self.living.remove(&session);
        let jobs = self.jobs.iter();
        let ran = jobs.filter(|(_, job)| job.session == session);
        let ran: Vec<u64> = ran.map(|(sequence, _)| *sequence).collect();
        self.changed(NOBODY, ran);
        self.begin_session(handle);
    }

    fn changed(&mut self, by: usize, jobs: impl IntoIterator<Item = u64>) {
        let changes = jobs.into_iter().map(|sequence| (sequence, by));
        self.changes.extend(changes);
        self.wake();
    }

    fn wake(&mut self) {
        self.wakers.drain(..).for_each(Waker::wake);
    }

    fn added(&mut self, handle: usize, job: &Submitted, spec: Arc<Spec>) {
        if job.deduplicated {
            return;
        }
        let begun = job.state == State::Running;
        let known = Known {
            id: job.id,
            spec,
            maker: handle,
            session: if begun {
                self.handles[handle].session
            } else {
                0
            },
            losses: Vec::new(),
            stop: None,
        };
        self.jobs.insert(job.sequence, known);
        self.changed(handle, [job.sequence]);
    }

    pub(super) fn submit(&mut self, handle: usize, request: Submit) -> Result<Batch<Submitted>> {
        self.now = self.now.max(request.now);
        let specs: Vec<_> = request.jobs.iter().map(|job| job.spec.clone()).collect();
        let submitted = self.store.submit(request).wait()?;
        for (job, spec) in submitted.iter().zip(specs) {
            self.added(handle, job, spec);
        }
        Ok(submitted)
    }

    pub(super) fn claim(&mut self, handle: usize, request: Claim) -> Result<Vec<Claimed>> {
        self.now = self.now.max(request.now);
        let claimed = self.store.claim(request).wait()?;
        let session = self.handles[handle].session;
        for job in &claimed {
            let known = self.jobs.get_mut(&job.sequence);
            known.into_iter().for_each(|known| known.session = session);
        }
        self.changed(handle, claimed.iter().map(|job| job.sequence));
        Ok(claimed)
    }

    /// Whether the job was run by a process that was taken for dead since, and that is the one to
    /// speak now.
    fn speaks_too_late(&self, handle: usize, sequence: u64) -> bool {
        let job = self.jobs.get(&sequence);
        let own = self.handles[handle].session;
        // Only the one that ran it says anything but that it was lost.
        job.is_some_and(|job| job.session != own && !self.lives(job.session))
    }

    pub(super) fn finish(&mut self, handle: usize, request: Finish) -> Result<Batch<Fenced>> {
        let now = request.now;
        self.now = self.now.max(now);
        let mut all = Batch::new();
        for ended in request.attempts {
            let (sequence, kind) = (ended.sequence, ended.end.kind);
            let gives_back = matches!(kind, OutcomeKind::Lost | OutcomeKind::Cancelled);
            if !gives_back && self.speaks_too_late(handle, sequence) {
                all.push(Fenced::Stale);
                continue;
            }
            let attempts = [ended].into_iter().collect();
            let fenced = self.store.finish(Finish { now, attempts }).wait()?[0];
            if fenced == Fenced::Applied {
                if let Some(job) = self.jobs.get_mut(&sequence) {
                    let lost = (kind == OutcomeKind::Lost).then_some(now);
                    job.losses.extend(lost);
                    job.session = 0;
                }
                self.changed(handle, [sequence]);
            }
            all.push(fenced);
        }
        Ok(all)
    }

    pub(super) fn note(&mut self, handle: usize, request: Note) -> Result<Fenced> {
        if self.speaks_too_late(handle, request.sequence) {
            return Ok(Fenced::Stale);
        }
        self.store.note(request).wait()
    }

    pub(super) fn cancel(&mut self, handle: usize, request: Cancel) -> Result<Cancelled> {
        let failure = request.end.failure.as_ref();
        let reason = failure.map_or_else(String::new, |failure| failure.message.clone());
        let cancelled = self.store.cancel(request).wait()?;
        match cancelled {
            Cancelled::Done { sequence } => self.changed(handle, [sequence]),
            Cancelled::Running { sequence, .. } => {
                if let Some(job) = self.jobs.get_mut(&sequence) {
                    job.stop.get_or_insert(reason.into());
                }
                self.changed(handle, [sequence]);
            }
            _ => {}
        }
        Ok(cancelled)
    }

    pub(super) fn promote(&mut self, handle: usize, request: Promote) -> Result<Promoted> {
        self.now = self.now.max(request.now);
        let promoted = self.store.promote(request).wait()?;
        let expired = promoted.expired.iter().map(|job| job.sequence);
        let queued = promoted.queued.iter().map(|job| job.sequence);
        self.changed(handle, queued.chain(expired));
        Ok(promoted)
    }

    pub(super) fn retry(&mut self, handle: usize, request: Ref) -> Result<Submitted> {
        let before = self.read(request.id)?;
        let job = self.store.retry(request).wait()?;
        if let Some(before) = before {
            self.added(handle, &job, before.spec);
        }
        Ok(job)
    }

    pub(super) fn read(&self, id: JobId) -> Result<Option<JobInfo>> {
        let (now, logs) = (self.now, false);
        self.store.get(Get { now, id, logs }).wait()
    }
}
