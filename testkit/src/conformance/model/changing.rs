use std::sync::Arc;

use bursar_core::{
    AttemptEnd, AttemptInfo, Batch, Cancel, Cancelled, Claim, Claimed, Deletion, End, ErrorKind,
    Expired, Failure, Fenced, Final, Finish, FinishedAttempt, JobId, JobInfo, NewJob, Next, Note,
    NoteKind, OutcomeKind, Promote, Promoted, Prune, Pruned, Queued, Ref, State, Submit, Submitted,
    Timestamp, format_duration,
};

use super::{Entry, Model};

impl Model {
    /// What the reply must be. Ids and sequence numbers are the store's to choose: they are taken
    /// from `given`, its reply, and must be new.
    pub fn submit(&mut self, request: Submit, given: &[Submitted]) -> Batch<Submitted> {
        let jobs = request.jobs.into_iter().zip(given);
        jobs.map(|(job, given)| self.submit_one(job, request.now, *given))
            .collect()
    }

    fn submit_one(&mut self, job: NewJob, now: Timestamp, given: Submitted) -> Submitted {
        let same = |entry: &&Entry| {
            let info = &entry.info;
            job.unique.is_some() && info.unique == job.unique && !info.state.is_terminal()
        };
        if let Some(earlier) = self.entries.iter().find(same) {
            return accepted(earlier, true);
        }
        if let Some(last) = self.entries.last() {
            assert!(given.id > last.info.id, "{given:?}");
            assert!(given.sequence > last.info.sequence, "{given:?}");
        }
        let worker = job.worker.clone();
        let mut entry = Entry {
            info: new_info(job, now, given),
            failures: 0,
            checkpoint: None,
            used: 0,
        };
        if let Some(worker) = worker.filter(|_| entry.is_claimable(now)) {
            entry.claim(&worker, now);
        }
        let reply = accepted(&entry, false);
        self.entries.push(entry);
        reply
    }

    /// What the reply must be.
    pub fn claim(&mut self, request: &Claim) -> Vec<Claimed> {
        let asked = request.jobs.iter();
        let claimed = asked.filter_map(|sequence| {
            let entry = self.by_sequence(*sequence)?;
            let claimable = entry.is_claimable(request.now);
            claimable.then(|| entry.claim(&request.worker, request.now))
        });
        claimed.collect()
    }

    /// What the reply must be.
    pub fn finish(&mut self, request: Finish) -> Batch<Fenced> {
        let now = request.now;
        let ends = request.attempts.into_iter();
        ends.map(|ended| self.finish_one(ended, now)).collect()
    }

    fn finish_one(&mut self, ended: FinishedAttempt, now: Timestamp) -> Fenced {
        let Some(entry) = self.running(ended.sequence, ended.attempt) else {
            return Fenced::Stale;
        };
        entry.end_attempt(&ended.end, now);
        match ended.next {
            Next::End(state) => self.end(ended.sequence, state, &ended.end, now),
            Next::Requeue => entry.info.state = State::Queued,
            Next::Retry(due) => {
                entry.failures += 1;
                entry.postpone(State::Retrying, due);
            }
            Next::Snooze(due) => entry.postpone(State::Scheduled, due),
        }
        Fenced::Applied
    }

    fn end(&mut self, sequence: u64, state: State, end: &AttemptEnd, now: Timestamp) {
        self.uses += 1;
        let uses = self.uses;
        if let Some(entry) = self.by_sequence(sequence) {
            entry.info.state = state;
            entry.info.finished = Some(now);
            entry.info.outcome = Some(end.kind);
            entry.info.error = end.failure.as_deref().cloned();
            entry.info.result = (state == State::Completed).then(|| end.result.clone());
            entry.used = uses;
        }
        self.evict(state == State::Failed);
    }

    /// Forgets the least recently used of the dead letters, or of the others, where there are too many.
    fn evict(&mut self, dead: bool) {
        let alike = |entry: &&Entry| {
            entry.info.state.is_terminal() && (entry.info.state == State::Failed) == dead
        };
        let kept = self.entries.iter().filter(alike);
        let (count, oldest) = (kept.clone().count(), kept.min_by_key(|entry| entry.used));
        if let Some(oldest) = oldest.filter(|_| self.bounded && count > self.settings.max_results) {
            let sequence = oldest.info.sequence;
            self.entries.retain(|entry| entry.info.sequence != sequence);
        }
    }

    /// What the reply must be.
    pub fn note(&mut self, note: Note) -> Fenced {
        let Some(entry) = self.running(note.sequence, note.attempt) else {
            return Fenced::Stale;
        };
        match note.kind {
            NoteKind::Progress(progress) => entry.info.progress = Some(progress),
            NoteKind::Checkpoint(state) => entry.checkpoint = Some(state),
            NoteKind::Log(line) => {
                entry.info.logs.push(line);
                let surplus = entry.info.logs.len().saturating_sub(1_000);
                entry.info.logs.drain(..surplus);
            }
        }
        Fenced::Applied
    }

    /// What the reply must be.
    pub fn cancel(&mut self, request: &Cancel) -> Cancelled {
        let Some(entry) = self.by_id(request.id) else {
            return Cancelled::NotFound;
        };
        let (sequence, attempt) = (entry.info.sequence, entry.info.attempt);
        match entry.info.state {
            State::Running => Cancelled::Running { sequence, attempt },
            state if state.is_terminal() => Cancelled::Ended(state),
            _ => {
                self.end(sequence, State::Cancelled, &request.end, request.now);
                Cancelled::Done { sequence }
            }
        }
    }

    /// What the reply must be.
    pub fn promote(&mut self, request: Promote) -> Promoted {
        let mut promoted = Promoted::default();
        while promoted.expired.len() < request.limit {
            let Some(sequence) = self.first(Entry::expires_at, request.now) else {
                break;
            };
            promoted.expired.extend(self.expire(sequence, request.now));
        }
        while promoted.expired.len() + promoted.queued.len() < request.limit {
            let Some(sequence) = self.first(Entry::due_at, request.now) else {
                break;
            };
            let entry = self.by_sequence(sequence);
            promoted.queued.extend(entry.map(|entry| {
                entry.info.state = State::Queued;
                queued(&entry.info)
            }));
        }
        let times = self.entries.iter();
        promoted.next = times
            .flat_map(|entry| [entry.expires_at(), entry.due_at()])
            .flatten()
            .min();
        promoted
    }

    /// The job whose time by `at` came first, if one's has come.
    fn first(&self, at: impl Fn(&Entry) -> Option<Timestamp>, now: Timestamp) -> Option<u64> {
        let timed = self.entries.iter().filter_map(|entry| {
            let at = at(entry).filter(|at| *at <= now)?;
            Some((at, entry.info.sequence))
        });
        timed.min().map(|(_, sequence)| sequence)
    }

    fn expire(&mut self, sequence: u64, now: Timestamp) -> Option<Expired> {
        let expires = self.by_sequence(sequence)?.info.spec.expires?;
        let after = format_duration(expires);
        let message = format!("it did not start within {after} of its submission");
        let failure = Failure::new("Expired", message);
        let end = End::from(AttemptEnd::failed(OutcomeKind::Cancelled, failure));
        self.end(sequence, State::Cancelled, &end, now);
        let state = State::Cancelled;
        let outcome = Final { state, end };
        Some(Expired { sequence, outcome })
    }

    /// What the reply must be, as [`submit`](Self::submit) does it.
    ///
    /// # Errors
    /// The kind of error that the store must give.
    pub fn retry(
        &mut self,
        request: Ref,
        given: Option<Submitted>,
    ) -> Result<Submitted, ErrorKind> {
        let old = self.by_id(request.id).ok_or(ErrorKind::NotFound)?;
        if old.info.state != State::Failed {
            return Err(ErrorKind::Conflict);
        }
        let job = NewJob {
            spec: Arc::clone(&old.info.spec),
            args: old.info.args.clone(),
            unique: old.info.unique.clone(),
            due: None,
            worker: None,
        };
        let given = given.ok_or(ErrorKind::Internal)?;
        let reply = self.submit_one(job, request.now, given);
        if let Some(new) = self.entries.last_mut().filter(|_| !reply.deduplicated) {
            new.info.retry_of = Some(request.id);
        }
        Ok(reply)
    }

    /// What the reply must be.
    pub fn delete(&mut self, id: JobId) -> Deletion {
        let Some(entry) = self.by_id(id) else {
            return Deletion::NotFound;
        };
        let state = entry.info.state;
        if !state.is_terminal() {
            return Deletion::Unfinished(state);
        }
        self.entries.retain(|entry| entry.info.id != id);
        Deletion::Done
    }

    /// What the reply must be.
    pub fn prune(&mut self, request: Prune) -> Pruned {
        let mut due: Vec<(Timestamp, u64)> = self
            .jobs()
            .filter_map(|info| Some((self.forgotten_at(info)?, info.sequence)))
            .collect();
        due.sort_unstable();
        let times_up = due.iter().filter(|(at, _)| *at <= request.now);
        let removed = times_up.count().min(request.limit);
        let (gone, left) = due.split_at(removed);
        self.entries.retain(|entry| {
            gone.iter()
                .all(|(_, sequence)| *sequence != entry.info.sequence)
        });
        let next = left.first().map(|(at, _)| *at);
        Pruned { removed, next }
    }
}

impl Entry {
    fn is_claimable(&self, now: Timestamp) -> bool {
        let expired = self.expires_at().is_some_and(|at| at <= now);
        self.info.state == State::Queued && !expired
    }

    fn claim(&mut self, worker: &Arc<str>, now: Timestamp) -> Claimed {
        let info = &mut self.info;
        info.attempt += 1;
        info.state = State::Running;
        info.started = Some(now);
        info.worker = Some(Arc::clone(worker));
        (info.outcome, info.error) = (None, None);
        info.attempts.push(AttemptInfo {
            number: info.attempt,
            worker: Arc::clone(worker),
            started: now,
            finished: None,
            outcome: None,
            error: None,
            peak_memory: None,
            outputs: Vec::new(),
            cpu_time: None,
            isolation: None,
            sandbox: None,
        });
        Claimed {
            sequence: info.sequence,
            attempt: info.attempt,
            failures: self.failures,
            args: info.args.clone(),
            checkpoint: self.checkpoint.clone(),
        }
    }

    fn end_attempt(&mut self, end: &AttemptEnd, now: Timestamp) {
        if let Some(attempt) = self.newest_attempt() {
            attempt.finished = Some(now);
            attempt.outcome = Some(end.kind);
            attempt.error = end.failure.as_deref().cloned();
            attempt.peak_memory = end.peak_memory;
            attempt.cpu_time = end.cpu_time;
            attempt.isolation = end.isolation;
            attempt.sandbox = end.sandbox;
        }
        self.info.outcome = Some(end.kind);
        self.info.error = end.failure.as_deref().cloned();
    }

    fn postpone(&mut self, state: State, due: Timestamp) {
        self.info.state = state;
        self.info.scheduled = Some(due);
    }
}

fn accepted(entry: &Entry, deduplicated: bool) -> Submitted {
    let info = &entry.info;
    Submitted {
        id: info.id,
        sequence: info.sequence,
        state: info.state,
        due: info.scheduled.filter(|_| info.state == State::Scheduled),
        keyed: info.unique.is_some(),
        deduplicated,
    }
}

fn queued(info: &JobInfo) -> Queued {
    Queued {
        id: info.id,
        sequence: info.sequence,
        spec: Arc::clone(&info.spec),
    }
}

fn new_info(job: NewJob, now: Timestamp, given: Submitted) -> JobInfo {
    let due = job.due.filter(|due| *due > now);
    JobInfo {
        id: given.id,
        sequence: given.sequence,
        spec: job.spec,
        state: if due.is_some() {
            State::Scheduled
        } else {
            State::Queued
        },
        args: job.args,
        attempt: 0,
        created: now,
        scheduled: due,
        started: None,
        finished: None,
        progress: None,
        result: None,
        error: None,
        outcome: None,
        worker: None,
        waiting_on: Vec::new(),
        unique: job.unique,
        daemon: false,
        retry_of: None,
        attempts: Vec::new(),
        logs: Vec::new(),
    }
}
