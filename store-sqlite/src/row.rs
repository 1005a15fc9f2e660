//! From the rows of a job to its snapshot.

use std::collections::HashMap;
use std::sync::Arc;

use bursar_core::{
    AttemptInfo, JobId, JobInfo, LogLine, Progress, Spec, SpillFolder, State, Timestamp,
};
use rusqlite::{Connection, Row};

use crate::books::load_spec;
use crate::codes::{outcome_of, read, state_of, stored};
use crate::declared::read_detail;
use crate::outputs::read_result;
use crate::payload;
use crate::sql;
use crate::submit::{id, time};

/// How many specs are remembered.
const SPECS: usize = 4_096;

/// What a reader remembers: rows that never change, under numbers that are never used again.
#[derive(Debug, Default)]
pub(crate) struct Library {
    specs: HashMap<i64, Arc<Spec>>,
    workers: HashMap<i64, Arc<str>>,
}

impl Library {
    pub(crate) fn spec(&mut self, connection: &Connection, id: i64) -> rusqlite::Result<Arc<Spec>> {
        if let Some(known) = self.specs.get(&id) {
            return Ok(Arc::clone(known));
        }
        let spec = load_spec(connection, id)?;
        if self.specs.len() >= SPECS {
            self.specs.clear();
        }
        self.specs.insert(id, Arc::clone(&spec));
        Ok(spec)
    }

    fn worker(&mut self, connection: &Connection, id: i64) -> rusqlite::Result<Arc<str>> {
        if let Some(known) = self.workers.get(&id) {
            return Ok(Arc::clone(known));
        }
        let mut statement = connection.prepare_cached(sql::WORKER_BY_ID)?;
        let name: Arc<str> =
            statement.query_row([id], |row| Ok(row.get_ref(0)?.as_str()?.into()))?;
        self.workers.insert(id, Arc::clone(&name));
        Ok(name)
    }
}

/// A row of `get.sql` or `list_*.sql`, with its earlier attempts, without its log. Together with
/// it: when it is to be forgotten.
pub(crate) fn job(
    (connection, spill): (&Connection, &SpillFolder),
    library: &mut Library,
    row: &Row<'_>,
) -> rusqlite::Result<(JobInfo, Option<Timestamp>)> {
    let sequence = read(row.get(0)?);
    let state = state_of(row.get(2)?)?;
    let attempt: u32 = row.get(5)?;
    let finished = optional_time(row, 8)?;
    let detail = read_detail(row.get_ref(12)?.as_str_or_null()?)?;
    let worker: Option<i64> = row.get(10)?;
    let worker = worker
        .map(|id| library.worker(connection, id))
        .transpose()?;
    let mut info = JobInfo {
        id: id(row.get(3)?, sequence, row.get(4)?),
        sequence,
        spec: library.spec(connection, row.get(1)?)?,
        state,
        args: payload::read(row, 15)?,
        attempt,
        created: time(row.get(3)?),
        scheduled: optional_time(row, 6)?,
        started: optional_time(row, 7)?,
        finished: finished.filter(|_| state.is_terminal()),
        progress: progress(row)?,
        result: (state == State::Completed)
            .then(|| read_result(connection, spill, row, 17))
            .transpose()?,
        error: detail.failure,
        outcome: outcome(row, 11)?,
        worker,
        waiting_on: Vec::new(),
        unique: row.get_ref(13)?.as_str_or_null()?.map(Arc::from),
        daemon: false,
        retry_of: row.get::<_, Option<[u8; 16]>>(14)?.map(JobId::from_bytes),
        attempts: Vec::new(),
        logs: Vec::new(),
    };
    info.attempts = earlier_attempts(connection, library, &info)?;
    if info.attempts.len() < attempt as usize {
        let newest = AttemptInfo {
            number: attempt,
            worker: info.worker.clone().unwrap_or_default(),
            started: info.started.unwrap_or_default(),
            finished,
            outcome: info.outcome,
            error: info.error.clone(),
            peak_memory: detail.peak_memory,
            cpu_time: detail.cpu_time,
            isolation: detail.isolation,
            sandbox: detail.sandbox,
            outputs: Vec::new(),
        };
        info.attempts.push(newest);
    }
    Ok((info, optional_time(row, 9)?))
}

/// Attempts that have rows of their own: all but the newest, and that one too where the job was
/// cancelled afterwards.
fn earlier_attempts(
    connection: &Connection,
    library: &mut Library,
    info: &JobInfo,
) -> rusqlite::Result<Vec<AttemptInfo>> {
    let mut attempts = Vec::new();
    if info.attempt < 2 && !(info.attempt == 1 && info.state == State::Cancelled) {
        return Ok(attempts);
    }
    let mut statement = connection.prepare_cached(sql::ATTEMPTS)?;
    let mut rows = statement.query([stored(info.sequence)])?;
    while let Some(row) = rows.next()? {
        let detail = read_detail(row.get_ref(5)?.as_str_or_null()?)?;
        attempts.push(AttemptInfo {
            number: row.get(0)?,
            worker: library.worker(connection, row.get(1)?)?,
            started: time(row.get(2)?),
            finished: optional_time(row, 3)?,
            outcome: outcome(row, 4)?,
            error: detail.failure,
            peak_memory: detail.peak_memory,
            cpu_time: detail.cpu_time,
            isolation: detail.isolation,
            sandbox: detail.sandbox,
            outputs: Vec::new(),
        });
    }
    Ok(attempts)
}

/// The log lines of a job, oldest first.
pub(crate) fn logs(connection: &Connection, sequence: u64) -> rusqlite::Result<Vec<LogLine>> {
    let mut statement = connection.prepare_cached(sql::LOGS)?;
    let rows = statement.query_map([stored(sequence)], |row| {
        Ok(LogLine {
            at: time(row.get(0)?),
            attempt: row.get(1)?,
            level: row.get_ref(2)?.as_str()?.into(),
            message: row.get_ref(3)?.as_str()?.into(),
        })
    })?;
    rows.collect()
}

fn progress(row: &Row<'_>) -> rusqlite::Result<Option<Progress>> {
    let percent: Option<f64> = row.get(19)?;
    let message = row.get_ref(20)?.as_str_or_null()?.map(Arc::from);
    Ok(percent.map(|percent| Progress { percent, message }))
}

fn optional_time(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(index)?.map(time))
}

fn outcome(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<bursar_core::OutcomeKind>> {
    row.get::<_, Option<i64>>(index)?
        .map(outcome_of)
        .transpose()
}
