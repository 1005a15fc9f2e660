use bursar_core::{
    AttemptEnd, Batch, Fenced, Finish, FinishedAttempt, Next, OutcomeKind, State, Timestamp,
};
use rusqlite::{Row, params};

use crate::books::Books;
use crate::codes::{outcome_code, state_code, stored};
use crate::declared;
use crate::error::Outcome;
use crate::hot::Hot;
use crate::outputs;
use crate::payload;
use crate::sql;
use crate::submit::micros;

/// How an attempt ended, as it stands in the file.
pub(crate) struct Ended<'a> {
    pub(crate) sequence: i64,
    pub(crate) attempt: u32,
    pub(crate) end: &'a bursar_core::End,
    pub(crate) next: Next,
    pub(crate) outcome: i64,
    pub(crate) detail: Option<String>,
    pub(crate) result: payload::Columns<'a>,
}

impl<'a> Ended<'a> {
    fn of(attempt: &'a FinishedAttempt) -> Outcome<Self> {
        let end: &AttemptEnd = &attempt.end;
        let completed = attempt.next == Next::End(State::Completed);
        Ok(Self {
            sequence: stored(attempt.sequence),
            attempt: attempt.attempt,
            end: &attempt.end,
            next: attempt.next,
            outcome: outcome_code(end.kind),
            detail: declared::detail(end)?,
            result: if completed {
                payload::columns(&end.result)?
            } else {
                (None, None)
            },
        })
    }
}

impl Books<'_> {
    pub(crate) fn finish(&mut self, request: &Finish) -> Outcome<Batch<Fenced>> {
        // What could be refused is looked at before anything is written.
        let ends: Outcome<Batch<Ended<'_>>> = request.attempts.iter().map(Ended::of).collect();
        for attempt in &request.attempts {
            outputs::check(self.spill, &attempt.end)?;
        }
        let now = micros(request.now);
        let mut fenced = Batch::new();
        for run in ends?.chunk_by(Ended::goes_with) {
            if self.finish_run(run, now)? {
                fenced.extend(run.iter().map(|_| Fenced::Applied));
                continue;
            }
            for ended in run {
                let done = self.finish_one(ended, now)?;
                match done {
                    Fenced::Applied => {
                        self.keep_outputs(ended.sequence, ended.attempt, ended.end)?;
                        // Whatever ran it has left its files as they were.
                        self.note_loss(ended.end.kind == OutcomeKind::Lost);
                    }
                    Fenced::Stale => self.drop_outputs(ended.end)?,
                }
                fenced.push(done);
            }
        }
        Ok(fenced)
    }

    fn finish_one(&mut self, ended: &Ended<'_>, now: i64) -> Outcome<Fenced> {
        let (changed, state) = match ended.next {
            Next::End(state) => (self.end(ended, state, now)?, state),
            Next::Requeue => (self.requeue(ended, now)?, State::Queued),
            Next::Retry(due) => (
                self.postpone(ended, State::Retrying, due, now)?,
                State::Retrying,
            ),
            Next::Snooze(due) => (
                self.postpone(ended, State::Scheduled, due, now)?,
                State::Scheduled,
            ),
        };
        if changed == 0 {
            return Ok(Fenced::Stale);
        }
        let (worker, forget) = self.left_behind(ended.sequence)?;
        if let Some(worker) = worker {
            self.blocks.run(worker, ended.sequence, -1);
        }
        if state.is_terminal() {
            self.blocks.ended(ended.sequence, 1, forget);
        }
        self.moved(State::Running, state);
        self.changed(ended.sequence, now, state, ended.attempt)?;
        Ok(Fenced::Applied)
    }

    /// Who has run a job, and when it is to be forgotten, now that it has ended.
    pub(crate) fn left_behind(&mut self, job: i64) -> rusqlite::Result<(Option<i64>, Option<i64>)> {
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        self.hot.row(Hot::LeftBehind, [job], read)
    }

    fn end(&mut self, ended: &Ended<'_>, state: State, now: i64) -> rusqlite::Result<usize> {
        let row = params![
            ended.sequence,
            ended.attempt,
            state_code(state),
            now,
            self.result_ttl,
            ended.outcome,
            ended.detail,
            ended.result.0,
            ended.result.1,
        ];
        self.hot.execute(Hot::FinishEnd, row)
    }

    fn requeue(&self, ended: &Ended<'_>, now: i64) -> rusqlite::Result<usize> {
        let mut statement = self.statement(sql::FINISH_REQUEUE)?;
        statement.execute(params![
            ended.sequence,
            ended.attempt,
            now,
            ended.outcome,
            ended.detail,
        ])
    }

    fn postpone(
        &self,
        ended: &Ended<'_>,
        state: State,
        due: Timestamp,
        now: i64,
    ) -> rusqlite::Result<usize> {
        let mut statement = self.statement(sql::FINISH_POSTPONE)?;
        statement.execute(params![
            ended.sequence,
            ended.attempt,
            state_code(state),
            now,
            ended.outcome,
            ended.detail,
            micros(due),
            state == State::Retrying,
        ])
    }
}
