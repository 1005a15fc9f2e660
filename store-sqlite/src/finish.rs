use bursar_core::{
    AttemptEnd, Batch, Fenced, Finish, FinishedAttempt, Next, OutcomeKind, State, Timestamp,
};
use rusqlite::params;

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
struct Ended<'a> {
    sequence: i64,
    attempt: u32,
    outcome: i64,
    detail: Option<String>,
    result: payload::Columns<'a>,
}

impl<'a> Ended<'a> {
    fn of(attempt: &'a FinishedAttempt) -> Outcome<Self> {
        let end: &AttemptEnd = &attempt.end;
        let completed = attempt.next == Next::End(State::Completed);
        Ok(Self {
            sequence: stored(attempt.sequence),
            attempt: attempt.attempt,
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
        for (ended, attempt) in ends?.iter().zip(&request.attempts) {
            let done = self.finish_one(ended, attempt.next, now)?;
            match done {
                Fenced::Applied => {
                    self.keep_outputs(ended.sequence, ended.attempt, &attempt.end)?;
                    // Whatever ran it has left its files as they were.
                    self.note_loss(attempt.end.kind == OutcomeKind::Lost);
                }
                Fenced::Stale => self.drop_outputs(&attempt.end)?,
            }
            fenced.push(done);
        }
        Ok(fenced)
    }

    fn finish_one(&mut self, ended: &Ended<'_>, next: Next, now: i64) -> Outcome<Fenced> {
        let (changed, state) = match next {
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
        self.moved(State::Running, state);
        self.changed(ended.sequence, now, state, ended.attempt)?;
        Ok(Fenced::Applied)
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
