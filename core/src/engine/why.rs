//! Why a job isn't running: in words and as data.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::engine::dispatch::Dispatch;
use crate::engine::inner::Inner;
use crate::engine::plan::Plan;
use crate::engine::pool::Dimension;
use crate::engine::stats::paused;
use crate::error::Error;
use crate::id::JobId;
use crate::job::JobInfo;
use crate::rank::Rank;
use crate::state::State;
use crate::store::Reply;
use crate::units::format_duration;

/// How many holders of what a job waits for are named.
const NAMED: usize = 8;

/// Jobs before this one are counted up to here.
const COUNTED: usize = 10_000;

/// One thing that a job waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// It is running.
    Running,
    /// It runs here, and stands still until it is resumed.
    Frozen,
    /// It has ended.
    Ended(State),
    /// Its time has not come.
    Time {
        /// When it comes.
        until: Timestamp,
        /// How long that still is.
        left: Duration,
        /// Whether it failed before and is to be retried.
        retry: bool,
    },
    /// Nothing is started for now.
    Paused(Cow<'static, str>),
    /// The budget has too little left of something.
    Budget {
        /// Of what.
        dimension: Dimension,
        /// What the job needs of it.
        needs: u64,
        /// What is free of it.
        free: u64,
        /// What there is in all.
        total: u64,
        /// The jobs that hold it, with how much; at most eight.
        held_by: Vec<(JobId, String, u64)>,
    },
    /// This engine can't run it: it doesn't know its task, say. Another one may.
    NotHere(String),
    /// Jobs with a better rank are waiting too.
    Behind {
        /// How many, counted up to 10,000.
        jobs: usize,
        /// Whether one of them has its needs held in escrow.
        escrow: bool,
    },
}

/// Why a job isn't running.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    /// Its state.
    pub state: State,
    /// What it waits for.
    pub reasons: Vec<Reason>,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running => f.write_str("it is running"),
            Self::Frozen => f.write_str("it is paused: resume it"),
            Self::Ended(state) => write!(f, "it has ended: {state}"),
            Self::Time { left, retry, .. } => {
                let what = if *retry {
                    "its next attempt"
                } else {
                    "its time"
                };
                write!(f, "{what} comes in {}", format_duration(*left))
            }
            Self::Paused(why) => write!(f, "nothing is started for now: {why}"),
            Self::Budget {
                dimension,
                needs,
                free,
                total,
                held_by,
            } => {
                let show = |amount| dimension.show(amount);
                write!(
                    f,
                    "{dimension}: needs {}, {} free of {}",
                    show(*needs),
                    show(*free),
                    show(*total)
                )?;
                let held: Vec<String> = held_by
                    .iter()
                    .map(|(id, task, amount)| format!("{task} {} ({})", id.short(), show(*amount)))
                    .collect();
                if held.is_empty() {
                    Ok(())
                } else {
                    write!(f, ", held by {}", held.join(", "))
                }
            }
            Self::NotHere(why) => write!(f, "this engine can't run it: {why}"),
            Self::Behind {
                jobs,
                escrow: false,
            } => write!(f, "{jobs} jobs are before it"),
            Self::Behind { jobs, escrow: true } => {
                write!(
                    f,
                    "{jobs} jobs are before it, and what is free is held for the first of them"
                )
            }
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons: Vec<String> = self.reasons.iter().map(ToString::to_string).collect();
        write!(f, "{}: {}", self.state, reasons.join("; "))
    }
}

impl Inner {
    /// Why the job isn't running.
    pub(crate) fn why(&self, id: JobId) -> Reply<Why> {
        let this = self.this.clone();
        self.info(id, false).then(move |info| match this.upgrade() {
            Some(inner) => Reply::ok(inner.explain(&info)),
            None => Reply::now(Err(Error::closed())),
        })
    }

    fn explain(&self, info: &JobInfo) -> Why {
        let reasons = match info.state {
            State::Running
                if self
                    .runs(info.id)
                    .is_some_and(|attempt| attempt.is_paused()) =>
            {
                vec![Reason::Frozen]
            }
            State::Running => vec![Reason::Running],
            State::Scheduled | State::Retrying => vec![self.until(info)],
            State::Blocked | State::Queued => self.explain_queued(info),
            state => vec![Reason::Ended(state)],
        };
        Why {
            state: info.state,
            reasons,
        }
    }

    fn until(&self, info: &JobInfo) -> Reason {
        let until = info.scheduled.unwrap_or_default();
        Reason::Time {
            until,
            left: until.since(self.now()),
            retry: info.state == State::Retrying,
        }
    }

    fn explain_queued(&self, info: &JobInfo) -> Vec<Reason> {
        if let Some(error) = self.why_strange(info) {
            return vec![Reason::NotHere(error.message().to_owned())];
        }
        let usage = self.gauge.usage();
        let dispatch = self.dispatch.lock();
        let mut reasons: Vec<Reason> = paused(dispatch.gate, usage)
            .map(Reason::Paused)
            .into_iter()
            .collect();
        let ticket = dispatch.tickets.get(info.sequence);
        if let Some(plan) = ticket.and_then(|ticket| ticket.plan()) {
            reasons.extend(self.shortages(&dispatch, plan));
        }
        let jobs = dispatch
            .scheduler
            .ahead_of(Rank::new(info.spec.priority, info.sequence), COUNTED);
        let escrow = dispatch
            .scheduler
            .escrow()
            .is_some_and(|escrow| escrow.held);
        if jobs > 0 || reasons.is_empty() {
            reasons.push(Reason::Behind { jobs, escrow });
        }
        reasons
    }

    fn shortages(&self, dispatch: &Dispatch, plan: &Plan) -> Vec<Reason> {
        let ledger = &dispatch.ledger;
        let short = |index: &usize| plan.amounts[*index] > ledger.free()[*index];
        let reason = |index: usize| Reason::Budget {
            dimension: self.pool.dimensions[index].clone(),
            needs: plan.amounts[index],
            free: ledger.free()[index],
            total: ledger.pool()[index],
            held_by: holders(dispatch, index),
        };
        (0..self.pool.dimensions.len())
            .filter(short)
            .map(reason)
            .collect()
    }
}

fn holders(dispatch: &Dispatch, index: usize) -> Vec<(JobId, String, u64)> {
    let grants = dispatch
        .ledger
        .grants()
        .filter(|(_, _, held)| held[index] > 0);
    let named = grants.filter_map(|(_, key, held)| {
        let attempt = dispatch.running.get(key)?;
        Some((attempt.job(), attempt.task().to_owned(), held[index]))
    });
    named.take(NAMED).collect()
}
