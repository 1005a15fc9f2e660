//! From the end of an attempt to what follows: recorded by the store, then what it held is given
//! back and whoever waits is told.

use std::sync::{Arc, Weak};

use smallvec::SmallVec;

use crate::clock::Timestamp;
use crate::engine::attempt::Attempt;
use crate::engine::dispatch::Grants;
use crate::engine::inner::Inner;
use crate::engine::verdict::{Verdict, verdict};
use crate::error::{Error, ErrorKind};
use crate::event::EventKind;
use crate::outcome::{Ended, Final};
use crate::state::State;
use crate::store::{Fenced, Finish, FinishedAttempt, Next, Reply};

/// Attempts that end together and are so many are used again: see [`Dispatch::keep_blank`].
///
/// [`Dispatch::keep_blank`]: crate::engine::dispatch::Dispatch::keep_blank
const MANY: usize = 8;

/// An attempt and what follows its end.
pub(super) type Judged = SmallVec<[(Arc<Attempt>, Verdict); 1]>;

/// Where executors report how attempts ended.
#[derive(Clone, Debug)]
pub struct Reporter(pub(super) Weak<Inner>);

impl Reporter {
    /// Reports that attempts have ended: their code has stopped, whatever was asked of it.
    pub fn finish(&self, ended: impl IntoIterator<Item = (Arc<Attempt>, Ended)>) {
        if let Some(inner) = self.0.upgrade() {
            inner.finish(ended);
        }
    }

    /// Asks for what is to follow an attempt that runs, so that at most `most` do: the jobs whose turn it is
    /// when that ends, if they need the same. They come by [`Executor::start`](crate::Executor::start) and
    /// a flush, soon or never. Each holds what it needs from the end of the one before it on; one that was not
    /// begun may be given back at any time, as [`Ended::Released`].
    pub fn prefetch(&self, leader: &Attempt, most: usize) {
        if let Some(inner) = self.0.upgrade() {
            inner.prefetch(leader, most);
        }
    }

    /// An attempt that was prefetched runs from now on.
    pub fn begins(&self, attempt: &Attempt) {
        if let Some(inner) = self.0.upgrade() {
            inner.set_off(attempt);
        }
    }

    /// Asks for more to do: see [`Executor::is_hungry`](crate::Executor::is_hungry).
    pub fn more(&self) {
        if let Some(inner) = self.0.upgrade() {
            inner.pump();
        }
    }
}

impl Inner {
    pub(super) fn finish_one(&self, attempt: Arc<Attempt>, ended: Ended) {
        self.finish([(attempt, ended)]);
    }

    /// Records how attempts ended. An attempt that was given up on only gives back what it held.
    pub(crate) fn finish(&self, ended: impl IntoIterator<Item = (Arc<Attempt>, Ended)>) {
        let now = self.now();
        let ended = ended.into_iter();
        let mut judged = Judged::with_capacity(ended.size_hint().0);
        for (attempt, ended) in ended {
            if !attempt.close() {
                attempt.drop_outputs();
                self.release(&attempt);
            } else if attempt.is_lost() {
                attempt.drop_outputs();
                self.let_go_of_lost(&attempt);
            } else {
                let mut verdict = verdict(&attempt, ended, now, || self.luck());
                attempt.hand_over_outputs(&mut verdict.end);
                judged.push((attempt, verdict));
            }
        }
        self.record(judged, now, true);
    }

    /// Records verdicts; `ended` says whether the code has stopped too.
    pub(super) fn record(&self, mut judged: Judged, now: Timestamp, ended: bool) {
        let large = self.take_large(&mut judged);
        if !large.is_empty() {
            self.spill(large, now, ended);
        }
        self.write_down(judged, now, ended);
    }

    /// Has the store record verdicts.
    pub(super) fn write_down(&self, judged: Judged, now: Timestamp, ended: bool) {
        if judged.is_empty() {
            return;
        }
        let attempts = judged.iter().map(|(attempt, verdict)| FinishedAttempt {
            sequence: attempt.ticket.sequence(),
            attempt: attempt.number(),
            end: verdict.end.clone(),
            next: verdict.next,
        });
        let request = Finish {
            now,
            attempts: attempts.collect(),
        };
        self.phase.set_out();
        let reply = self.store.finish(request);
        if ended && matches!(reply, Reply::Later(_)) {
            self.make_room(&judged);
        }
        self.with_reply(reply, move |inner, fenced| match fenced {
            Ok(fenced) => inner.recorded(judged, &fenced, ended),
            Err(error) => inner.not_recorded(judged, now, ended, &error),
        });
    }

    /// The code has stopped, and its end is on its way to the store: what it held is free. What is
    /// claimed now goes the same way, so that a store that commits in groups writes both at once.
    fn make_room(&self, judged: &Judged) {
        let now = self.tick();
        let grants = {
            let mut dispatch = self.dispatch.lock();
            for (attempt, _) in judged {
                dispatch.give_back(attempt);
            }
            dispatch.grant(now)
        };
        self.start(grants, now);
    }

    fn recorded(&self, judged: Judged, fenced: &[Fenced], ended: bool) {
        let now = self.tick();
        let grants = {
            let mut dispatch = self.dispatch.lock();
            for ((attempt, verdict), fenced) in judged.iter().zip(fenced) {
                attempt.answer();
                if ended {
                    dispatch.release(attempt);
                }
                match (fenced, verdict.next) {
                    (Fenced::Applied, Next::End(_)) => {
                        dispatch.has_ended_here(attempt.ticket.sequence());
                    }
                    (Fenced::Applied, Next::Requeue) => dispatch.offer(&attempt.ticket),
                    _ => {}
                }
            }
            dispatch.grant(now)
        };
        self.start(grants, now);
        let many = judged.len() >= MANY;
        let mut over = Grants::new();
        for ((attempt, verdict), fenced) in judged.into_iter().zip(fenced) {
            self.tell(&attempt, verdict, *fenced);
            if many {
                over.extend(Attempt::blank(attempt, &self.nobody));
            }
        }
        if !over.is_empty() {
            self.dispatch.lock().keep_blank(over);
        }
        self.arrived();
    }

    /// The store did not say whether it has recorded these ends. It is asked again: what it has
    /// recorded is stale by then, and is looked up.
    pub(super) fn not_recorded(&self, judged: Judged, now: Timestamp, ended: bool, error: &Error) {
        if ended {
            let mut dispatch = self.dispatch.lock();
            judged.iter().for_each(|(attempt, _)| {
                dispatch.release(attempt);
            });
        }
        if error.kind() != ErrorKind::Closed {
            self.unanswered.keep_ends(judged, now);
            self.pause_for_store();
        }
        self.arrived();
    }

    fn tell(&self, attempt: &Arc<Attempt>, verdict: Verdict, fenced: Fenced) {
        if let Some(deadline) = attempt.deadline() {
            self.driver.unwatch(deadline, attempt.key());
        }
        if fenced == Fenced::Stale {
            return self.recover(Arc::clone(&attempt.ticket));
        }
        let state = match verdict.next {
            Next::End(state) => state,
            Next::Requeue => State::Queued,
            Next::Retry(due) | Next::Snooze(due) => {
                self.alarm_at(due);
                if matches!(verdict.next, Next::Retry(_)) {
                    State::Retrying
                } else {
                    State::Scheduled
                }
            }
        };
        self.events
            .emit(&*self.clock, &attempt.ticket, || EventKind::State(state));
        if state.is_terminal() {
            attempt.ticket.settle(Final {
                state,
                end: verdict.end,
            });
        } else {
            if let Some(reason) = attempt.job_cancelled() {
                // The cancel came when this end was on its way to the store.
                drop(self.cancel(attempt.job(), reason));
            }
            if attempt.has_heard() {
                // Others may have gone on with the job before this answer came.
                self.recover(Arc::clone(&attempt.ticket));
            }
        }
    }

    /// Gives back what an attempt held whose end was recorded before.
    fn release(&self, attempt: &Arc<Attempt>) {
        self.dispatch.lock().release(attempt);
        self.pump();
        self.look_around();
    }
}
