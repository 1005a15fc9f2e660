use bursar_core::{Fenced, LogLine, Note, NoteKind, Payload, Progress};

use crate::books::Books;
use crate::codes::stored;
use crate::error::Outcome;
use crate::payload;
use crate::sql;
use crate::submit::micros;

/// How many log lines of a job are kept.
const LOG_LINES: i64 = 1_000;

impl Books<'_> {
    pub(crate) fn note(&mut self, note: &Note) -> Outcome<Fenced> {
        let job = stored(note.sequence);
        let mut runs = self.statement(sql::RUNS_ATTEMPT)?;
        if !runs.exists((job, note.attempt))? {
            return Ok(Fenced::Stale);
        }
        match &note.kind {
            NoteKind::Progress(progress) => self.set_progress(job, progress)?,
            NoteKind::Checkpoint(state) => self.set_checkpoint(job, state)?,
            NoteKind::Log(line) => self.log(job, line)?,
        }
        Ok(Fenced::Applied)
    }

    fn set_progress(&self, job: i64, progress: &Progress) -> rusqlite::Result<()> {
        let message = progress.message.as_deref();
        let mut statement = self.statement(sql::SET_PROGRESS)?;
        statement.execute((job, progress.percent, message))?;
        Ok(())
    }

    fn set_checkpoint(&self, job: i64, state: &Payload) -> Outcome<()> {
        let (kind, bytes) = payload::columns(state)?;
        let mut statement = self.statement(sql::SET_CHECKPOINT)?;
        statement.execute((job, kind, bytes))?;
        Ok(())
    }

    fn log(&self, job: i64, line: &LogLine) -> rusqlite::Result<()> {
        let mut last = self.statement(sql::LAST_LINE)?;
        let last: Option<i64> = last.query_row([job], |row| row.get(0))?;
        let number = last.map_or(1, |last| last + 1);
        let mut insert = self.statement(sql::INSERT_LINE)?;
        let (level, message) = (&*line.level, &*line.message);
        insert.execute((job, number, micros(line.at), line.attempt, level, message))?;
        if number > LOG_LINES {
            let mut delete = self.statement(sql::DELETE_OLD_LINES)?;
            delete.execute((job, number - LOG_LINES))?;
        }
        Ok(())
    }
}
