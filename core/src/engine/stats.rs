//! Numbers for people: how many jobs are in each state, and what of the budget is used.

use std::borrow::Cow;

use crate::engine::dispatch::Gate;
use crate::engine::inner::Inner;
use crate::engine::pool::Dimension;
use crate::job::ExecutorKind;
use crate::limits::Usage;
use crate::store::{Reply, Tally};

/// What there is of one dimension, and what is taken. Memory is in bytes, cpu in thousandths of a
/// core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// What it is.
    pub dimension: Dimension,
    /// What there is in all.
    pub total: u64,
    /// What running jobs have reserved.
    pub reserved: u64,
    /// What is really used, as far as that is measured; what is reserved where it isn't.
    pub used: u64,
}

/// An engine at one moment.
#[derive(Clone, Debug)]
pub struct Stats {
    /// How many jobs are in each state.
    pub jobs: Tally,
    /// Memory, cpu and tokens.
    pub budget: Vec<Share>,
    /// Attempts at once, of each executor.
    pub concurrency: Vec<(ExecutorKind, Share)>,
    /// Why nothing is started for now, if so.
    pub paused: Option<Cow<'static, str>>,
}

impl Inner {
    /// The engine at this moment.
    pub(crate) fn stats(&self) -> Reply<Stats> {
        let usage = self.gauge.usage();
        let (shares, gate) = self.shares(usage);
        self.store.tally().map(move |jobs| {
            let mut stats = Stats {
                jobs,
                budget: Vec::new(),
                concurrency: Vec::new(),
                paused: paused(gate, usage),
            };
            for share in shares {
                match share.dimension {
                    Dimension::Slots(kind) => stats.concurrency.push((kind, share)),
                    _ => stats.budget.push(share),
                }
            }
            stats
        })
    }

    fn shares(&self, usage: Option<Usage>) -> (Vec<Share>, Gate) {
        let dispatch = self.dispatch.lock();
        let (pool, granted) = (dispatch.ledger.pool(), dispatch.ledger.granted());
        let share = |(index, dimension): (usize, &Dimension)| {
            let reserved = granted[index];
            let measured = usage
                .filter(|_| *dimension == Dimension::Memory)
                .map(|usage| usage.used);
            let used = measured.unwrap_or(reserved);
            Share {
                dimension: dimension.clone(),
                total: pool[index],
                reserved,
                used,
            }
        };
        (
            self.pool.dimensions.iter().enumerate().map(share).collect(),
            dispatch.gate,
        )
    }

    /// Looks at the memory of the process: near the limit nothing new is started.
    pub(super) fn measure(&self) {
        let Some(usage) = self.gauge.usage() else {
            return;
        };
        let eased = {
            let mut dispatch = self.dispatch.lock();
            let before = dispatch.gate.pressed;
            // Waiting for what isn't ours alone is no help where nothing of ours runs.
            let stalls = !dispatch.running.is_empty() && usage.stalls(before);
            dispatch.gate.pressed = usage.presses(before) || stalls;
            before && !dispatch.gate.pressed
        };
        if eased {
            self.pump();
        }
    }
}

/// Why nothing is started, in words.
pub(super) fn paused(gate: Gate, usage: Option<Usage>) -> Option<Cow<'static, str>> {
    let why = match gate {
        Gate { closing: true, .. } => Some("the engine shuts down"),
        Gate {
            submit_only: true, ..
        } => Some("this engine only submits: it was opened with the option run off"),
        Gate { pressed: true, .. } => {
            return Some(usage.unwrap_or_default().explain().into());
        }
        Gate {
            store_away: true, ..
        } => Some("the store does not answer"),
        _ => None,
    };
    why.map(Cow::Borrowed)
}
