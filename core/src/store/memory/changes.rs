//! What changes jobs: each function is one transition of `docs/lifecycle.md`.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::JobId;
use crate::job::NewJob;
use crate::outcome::End;
use crate::state::State;
use crate::store::{
    Batch, Cancel, Cancelled, Claim, Claimed, Deletion, Expired, Fenced, Finish, FinishedAttempt,
    Next, Note, NoteKind, Promote, Promoted, Prune, Pruned, Queued, Ref, Submit, Submitted,
};

use super::books::Books;
use super::record::{LOG_LINES, Record, Trash};

/// One in so many of the jobs that are kept is let go at a time once there are too many: many at
/// once cost much less than one by one.
const EVICTED_PART: usize = 64;

impl Books {
    pub(super) fn submit(
        &mut self,
        request: Submit,
        trash: &mut Trash,
        next_id: impl Fn(Timestamp) -> (u64, JobId),
    ) -> Batch<Submitted> {
        request
            .jobs
            .into_iter()
            .map(|job| self.submit_one(job, request.now, trash, &next_id))
            .collect()
    }

    fn submit_one(
        &mut self,
        job: NewJob,
        now: Timestamp,
        trash: &mut Trash,
        next_id: impl Fn(Timestamp) -> (u64, JobId),
    ) -> Submitted {
        let key = job.unique.as_ref();
        let earlier = key.and_then(|key| self.unique.get(key)).copied();
        match earlier.and_then(|sequence| Some((sequence, self.records.get(sequence)?))) {
            Some((sequence, record)) => {
                trash.payloads.push(job.args);
                record.submitted(sequence, true)
            }
            None => {
                let (sequence, id) = next_id(now);
                let worker = job.worker.clone();
                let record = Record::new(id, job, now);
                let mut submitted = record.submitted(sequence, false);
                self.insert(sequence, record);
                if let Some(worker) = worker {
                    let worker = self.worker(&worker);
                    if self.claim_one(sequence, worker, now).is_some() {
                        submitted.state = State::Running;
                    }
                }
                submitted
            }
        }
    }

    /// Takes in a new job.
    pub(super) fn insert(&mut self, sequence: u64, record: Record) {
        if let Some(key) = record.unique() {
            self.unique.insert(Arc::clone(key), sequence);
        }
        if record.state == State::Scheduled {
            self.due.add(record.due, sequence);
        }
        if let Some(expires) = record.expires() {
            self.expiry.add(expires, sequence);
        }
        self.tally.0[record.state as usize] += 1;
        self.records.insert(sequence, record);
    }

    pub(super) fn claim(&mut self, request: &Claim) -> Vec<Claimed> {
        let worker = self.worker(&request.worker);
        // Looked at once before they are changed one by one: the processor then fetches their
        // records side by side.
        let queued = |sequence: &&u64| {
            let record = self.records.get(**sequence);
            record.is_some_and(|record| record.state == State::Queued)
        };
        let mut claimed = Vec::with_capacity(request.jobs.iter().filter(queued).count());
        for sequence in &request.jobs {
            claimed.extend(self.claim_one(*sequence, worker, request.now));
        }
        claimed
    }

    fn claim_one(&mut self, sequence: u64, worker: u16, now: Timestamp) -> Option<Claimed> {
        let record = self
            .records
            .get_mut(sequence)
            .filter(|record| record.state == State::Queued)?;
        if let Some(expires) = record.expires() {
            if record.attempt == 0 && expires <= now {
                return None;
            }
            self.expiry.remove(expires, sequence);
        }
        record.archive_attempt(&self.workers);
        record.attempt += 1;
        record.started = now;
        record.finished = Timestamp::default();
        record.end = None;
        record.worker = worker;
        Self::set_state(&mut self.tally, record, State::Running);
        let checkpoint = record
            .rare
            .as_ref()
            .and_then(|rare| rare.checkpoint.clone());
        let (attempt, failures) = (record.attempt, record.failures);
        Some(Claimed {
            sequence,
            attempt,
            failures,
            args: record.args.clone(),
            checkpoint,
        })
    }

    pub(super) fn finish(&mut self, request: Finish, trash: &mut Trash) -> Batch<Fenced> {
        let now = request.now;
        request
            .attempts
            .into_iter()
            .map(|attempt| self.finish_one(attempt, now, trash))
            .collect()
    }

    fn finish_one(&mut self, ended: FinishedAttempt, now: Timestamp, trash: &mut Trash) -> Fenced {
        let Some(record) = running(self.records.get_mut(ended.sequence), ended.attempt) else {
            // Asked again for want of an answer, it is what was recorded before.
            let known = self.records.get(ended.sequence);
            if !known.is_some_and(|record| names_files_of(record, &ended.end)) {
                trash.ends.push(ended.end);
            }
            return Fenced::Stale;
        };
        record.finished = now;
        record.failures += u32::from(matches!(ended.next, Next::Retry(_)));
        record.end = Some(ended.end);
        match ended.next {
            Next::End(state) => self.end(ended.sequence, state, trash),
            Next::Requeue => Self::set_state(&mut self.tally, record, State::Queued),
            Next::Retry(due) => self.postpone(ended.sequence, State::Retrying, due),
            Next::Snooze(due) => self.postpone(ended.sequence, State::Scheduled, due),
        }
        Fenced::Applied
    }

    fn postpone(&mut self, sequence: u64, state: State, due: Timestamp) {
        if let Some(record) = self.records.get_mut(sequence) {
            record.due = due;
            self.due.add(due, sequence);
            Self::set_state(&mut self.tally, record, state);
        }
    }

    /// Ends a job: its key is free again, and it is kept for a while.
    fn end(&mut self, sequence: u64, state: State, trash: &mut Trash) {
        let Some(record) = self.records.get_mut(sequence) else {
            return;
        };
        Self::set_state(&mut self.tally, record, state);
        if state != State::Failed && record.args.is_live() {
            trash.payloads.push(std::mem::take(&mut record.args));
        }
        if let Some(key) = record.rare.as_ref().and_then(|rare| rare.unique.as_ref()) {
            self.unique.remove(key);
        }
        self.keep(sequence);
        self.evict(state, trash);
    }

    fn evict(&mut self, state: State, trash: &mut Trash) {
        let most = self.options.max_results;
        let (retention, stamp_of) = self.retention(state);
        let excess = retention.kept().saturating_sub(most);
        if excess == 0 {
            return;
        }
        let oldest = retention.take_oldest(excess + most / EVICTED_PART, stamp_of);
        trash.records.reserve(oldest.len());
        for sequence in oldest {
            self.remove_ended(sequence, trash);
        }
        self.first_forgotten();
    }

    pub(super) fn note(&mut self, note: Note, trash: &mut Trash) -> Fenced {
        let Some(record) = running(self.records.get_mut(note.sequence), note.attempt) else {
            if let NoteKind::Checkpoint(state) = note.kind {
                trash.payloads.push(state);
            }
            return Fenced::Stale;
        };
        let rare = record.rare();
        match note.kind {
            NoteKind::Progress(progress) => rare.progress = Some(progress),
            NoteKind::Checkpoint(state) => trash.payloads.extend(rare.checkpoint.replace(state)),
            NoteKind::Log(line) => {
                if rare.logs.len() == LOG_LINES {
                    rare.logs.pop_front();
                }
                rare.logs.push_back(line);
            }
        }
        Fenced::Applied
    }

    pub(super) fn cancel(&mut self, request: Cancel, trash: &mut Trash) -> Cancelled {
        let Some(sequence) = self.find(request.id) else {
            return Cancelled::NotFound;
        };
        let Some(record) = self.records.get(sequence) else {
            return Cancelled::NotFound;
        };
        match record.state {
            State::Running => Cancelled::Running {
                sequence,
                attempt: record.attempt,
            },
            state if state.is_terminal() => Cancelled::Ended(state),
            _ => {
                self.end_waiting(sequence, request.end, request.now, trash);
                Cancelled::Done { sequence }
            }
        }
    }

    /// Ends a job that waits as cancelled.
    fn end_waiting(&mut self, sequence: u64, end: End, now: Timestamp, trash: &mut Trash) {
        let workers = &self.workers;
        let Some(record) = self.records.get_mut(sequence) else {
            return;
        };
        if matches!(record.state, State::Scheduled | State::Retrying) {
            self.due.remove(record.due, sequence);
        }
        if let Some(expires) = record.expires().filter(|_| record.attempt == 0) {
            self.expiry.remove(expires, sequence);
        }
        if record.end.is_some() {
            record.archive_attempt(workers);
        }
        record.finished = now;
        record.end = Some(end);
        self.end(sequence, State::Cancelled, trash);
    }

    pub(super) fn promote(&mut self, request: Promote, trash: &mut Trash) -> Promoted {
        let mut promoted = Promoted::default();
        while promoted.queued.len() + promoted.expired.len() < request.limit {
            if let Some(sequence) = self.expiry.take_due(request.now) {
                promoted
                    .expired
                    .extend(self.expire(sequence, request.now, trash));
            } else if let Some(sequence) = self.due.take_due(request.now) {
                promoted.queued.extend(self.requeue(sequence));
            } else {
                break;
            }
        }
        promoted.next = [self.due.next(), self.expiry.next()]
            .into_iter()
            .flatten()
            .min();
        promoted
    }

    fn requeue(&mut self, sequence: u64) -> Option<Queued> {
        let record = self.records.get_mut(sequence)?;
        Self::set_state(&mut self.tally, record, State::Queued);
        Some(Queued {
            id: record.id,
            sequence,
            spec: Arc::clone(&record.spec),
        })
    }

    fn expire(&mut self, sequence: u64, now: Timestamp, trash: &mut Trash) -> Option<Expired> {
        let record = self
            .records
            .get(sequence)
            .filter(|record| record.attempt == 0)?;
        let expired = Expired::new(sequence, record.spec.expires.unwrap_or_default());
        self.end_waiting(sequence, expired.outcome.end.clone(), now, trash);
        Some(expired)
    }

    pub(super) fn retry(
        &mut self,
        request: Ref,
        trash: &mut Trash,
        next_id: impl Fn(Timestamp) -> (u64, JobId),
    ) -> Result<Submitted> {
        let record = self
            .find(request.id)
            .and_then(|sequence| self.records.get(sequence));
        let record =
            record.ok_or_else(|| Error::not_found(format!("there is no job {}", request.id)))?;
        if record.state != State::Failed {
            let state = record.state;
            return Err(Error::conflict(format!(
                "job {} is {state}: only a failed job can be retried",
                request.id
            )));
        }
        let spec = Arc::clone(&record.spec);
        let job = NewJob {
            worker: None,
            spec,
            args: record.args.clone(),
            unique: record.unique().cloned(),
            due: None,
        };
        let submitted = self.submit_one(job, request.now, trash, next_id);
        if let Some(record) = self
            .records
            .get_mut(submitted.sequence)
            .filter(|_| !submitted.deduplicated)
        {
            record.rare().retry_of = Some(request.id);
        }
        Ok(submitted)
    }

    pub(super) fn delete(&mut self, request: Ref, trash: &mut Trash) -> Deletion {
        let Some(sequence) = self.find(request.id) else {
            return Deletion::NotFound;
        };
        match self.records.get(sequence).map(|record| record.state) {
            Some(state) if state.is_terminal() => {
                self.remove_ended(sequence, trash);
                Deletion::Done
            }
            Some(state) => Deletion::Unfinished(state),
            None => Deletion::NotFound,
        }
    }

    pub(super) fn prune(&mut self, request: Prune, trash: &mut Trash) -> Pruned {
        let mut removed = 0;
        while removed < request.limit {
            let first = self.first_forgotten();
            let Some((_, sequence)) = first.filter(|(at, _)| *at <= request.now) else {
                break;
            };
            self.remove_ended(sequence, trash);
            removed += 1;
        }
        let next = self.first_forgotten().map(|(at, _)| at);
        Pruned { removed, next }
    }
}

/// Whether a file of this end is one of the record's.
fn names_files_of(record: &Record, end: &End) -> bool {
    let mut files = end.files();
    files.any(|file| record.files().any(|known| known == file))
}

/// The record, where it is running exactly this attempt.
fn running(record: Option<&mut Record>, attempt: u32) -> Option<&mut Record> {
    record.filter(|record| record.state == State::Running && record.attempt == attempt)
}
