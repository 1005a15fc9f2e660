//! What is kept of one job. Most jobs need only the small part.

use std::collections::VecDeque;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::clock::Timestamp;
use crate::id::JobId;
use crate::job::{AttemptInfo, JobInfo, LogLine, NewJob, Progress, Spec};
use crate::outcome::{End, Failure};
use crate::payload::Payload;
use crate::spill::Spilled;
use crate::state::State;
use crate::store::Submitted;

/// How many log lines of a job are kept.
pub(super) const LOG_LINES: usize = 1_000;

/// One job. Times are zero until they are known.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) id: JobId,
    pub(super) spec: Arc<Spec>,
    pub(super) args: Payload,
    pub(super) created: Timestamp,
    pub(super) due: Timestamp,
    pub(super) started: Timestamp,
    pub(super) finished: Timestamp,
    pub(super) end: Option<End>,
    pub(super) rare: Option<Box<Rare>>,
    pub(super) attempt: u32,
    pub(super) failures: u32,
    /// Which use of this ended job is the newest: see `retention`.
    pub(super) use_stamp: u32,
    pub(super) worker: u16,
    pub(super) state: State,
}

/// What few jobs have.
#[derive(Debug, Default)]
pub(super) struct Rare {
    pub(super) unique: Option<Arc<str>>,
    pub(super) retry_of: Option<JobId>,
    pub(super) progress: Option<Progress>,
    pub(super) checkpoint: Option<Payload>,
    pub(super) logs: VecDeque<LogLine>,
    pub(super) earlier: Vec<AttemptInfo>,
}

/// What is dropped once the lock is released.
#[derive(Debug, Default)]
pub(super) struct Trash {
    pub(super) records: SmallVec<[Record; 1]>,
    pub(super) payloads: SmallVec<[Payload; 1]>,
    pub(super) ends: SmallVec<[End; 1]>,
}

impl Trash {
    /// Removes the files that are named in what goes. Ends are here because nobody recorded them.
    pub(super) fn remove_files(&self) {
        let records = self.records.iter().flat_map(Record::files);
        let ends = self.ends.iter().flat_map(End::files);
        records.chain(ends).for_each(|file| file.remove());
    }
}

impl Record {
    pub(super) fn new(id: JobId, job: NewJob, now: Timestamp) -> Self {
        let due = job.due.filter(|due| *due > now);
        let rare = job.unique.map(|unique| {
            Box::new(Rare {
                unique: Some(unique),
                ..Rare::default()
            })
        });
        Self {
            id,
            spec: job.spec,
            args: job.args,
            created: now,
            due: due.unwrap_or_default(),
            started: Timestamp::default(),
            finished: Timestamp::default(),
            end: None,
            rare,
            attempt: 0,
            failures: 0,
            use_stamp: 0,
            worker: 0,
            state: if due.is_some() {
                State::Scheduled
            } else {
                State::Queued
            },
        }
    }

    /// The files that are named here: they go with the job.
    pub(super) fn files(&self) -> impl Iterator<Item = &Arc<Spilled>> {
        let earlier = self.rare.iter().flat_map(|rare| &rare.earlier);
        let outputs = earlier.flat_map(|attempt| &attempt.outputs);
        let outputs = outputs.filter_map(|output| output.data.as_file());
        self.end.iter().flat_map(End::files).chain(outputs)
    }

    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(super) fn unique(&self) -> Option<&Arc<str>> {
        self.rare.as_ref()?.unique.as_ref()
    }

    pub(super) fn submitted(&self, sequence: u64, deduplicated: bool) -> Submitted {
        let scheduled = self.state == State::Scheduled;
        Submitted {
            id: self.id,
            sequence,
            state: self.state,
            due: scheduled.then_some(self.due),
            keyed: self.unique().is_some(),
            deduplicated,
        }
    }

    /// When it must have been started by.
    pub(super) fn expires(&self) -> Option<Timestamp> {
        self.spec.expires.map(|expires| self.created.after(expires))
    }

    /// Moves what is known of the newest attempt to the earlier ones, where it is not there yet.
    pub(super) fn archive_attempt(&mut self, workers: &[Arc<str>]) {
        if let Some(info) = self.newest_attempt(workers) {
            self.rare().earlier.push(info);
        }
    }

    fn newest_attempt(&self, workers: &[Arc<str>]) -> Option<AttemptInfo> {
        let end = self.end.as_deref();
        let archived = self.rare.as_ref().map_or(0, |rare| rare.earlier.len());
        // What ends a job that waits is the end of none of its attempts.
        (self.attempt as usize > archived).then(|| AttemptInfo {
            number: self.attempt,
            worker: self.worker_name(workers),
            started: self.started,
            finished: known(self.finished),
            outcome: end.map(|end| end.kind),
            error: end.and_then(|end| end.failure.as_deref().cloned()),
            peak_memory: end.and_then(|end| end.peak_memory),
            cpu_time: end.and_then(|end| end.cpu_time),
            isolation: end.and_then(|end| end.isolation),
            sandbox: end.and_then(|end| end.sandbox),
            outputs: end.map(|end| end.outputs.clone()).unwrap_or_default(),
        })
    }

    fn worker_name(&self, workers: &[Arc<str>]) -> Arc<str> {
        workers
            .get(usize::from(self.worker))
            .cloned()
            .unwrap_or_default()
    }

    pub(super) fn info(&self, sequence: u64, workers: &[Arc<str>], logs: bool) -> JobInfo {
        let rare = self.rare.as_deref();
        let mut attempts = rare.map(|rare| rare.earlier.clone()).unwrap_or_default();
        attempts.extend(self.newest_attempt(workers));
        if !logs {
            attempts.iter_mut().for_each(|one| one.outputs.clear());
        }
        JobInfo {
            id: self.id,
            sequence,
            spec: Arc::clone(&self.spec),
            state: self.state,
            args: self.args.clone(),
            attempt: self.attempt,
            created: self.created,
            scheduled: known(self.due),
            started: known(self.started),
            finished: known(self.finished).filter(|_| self.state.is_terminal()),
            progress: rare.and_then(|rare| rare.progress.clone()),
            result: self.result(),
            error: self.error(),
            outcome: self.end.as_deref().map(|end| end.kind),
            worker: (self.attempt > 0).then(|| self.worker_name(workers)),
            waiting_on: Vec::new(),
            unique: self.unique().cloned(),
            daemon: false,
            retry_of: rare.and_then(|rare| rare.retry_of),
            attempts,
            logs: rare
                .filter(|_| logs)
                .map(|rare| rare.logs.iter().cloned().collect())
                .unwrap_or_default(),
        }
    }

    fn result(&self) -> Option<Payload> {
        let completed = self.state == State::Completed;
        self.end
            .as_deref()
            .filter(|_| completed)
            .map(|end| end.result.clone())
    }

    fn error(&self) -> Option<Failure> {
        self.end
            .as_deref()
            .and_then(|end| end.failure.as_deref().cloned())
    }
}

fn known(time: Timestamp) -> Option<Timestamp> {
    (time != Timestamp::default()).then_some(time)
}
