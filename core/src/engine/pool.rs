//! The dimensions of a budget and their totals: what a demand is measured in.

use std::fmt;
use std::sync::Arc;

use crate::amounts::Amounts;
use crate::error::{Error, ErrorKind, Result};
use crate::job::{ExecutorKind, Spec};
use crate::options::EngineOptions;
use crate::units::format_size;

/// One thing that a budget shares out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// Bytes of memory.
    Memory,
    /// Thousandths of a core.
    Cpu,
    /// Attempts at once of one executor.
    Slots(ExecutorKind),
    /// Named tokens.
    Token(Arc<str>),
}

impl Dimension {
    /// An amount of this, for people.
    pub fn show(&self, amount: u64) -> String {
        match self {
            Self::Memory => format_size(amount),
            Self::Cpu => format!("{} cores", amount as f64 / 1_000.0),
            Self::Slots(_) | Self::Token(_) => amount.to_string(),
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Cpu => f.write_str("cpu"),
            Self::Slots(kind) => write!(f, "concurrency of {kind}"),
            Self::Token(name) => write!(f, "token {name}"),
        }
    }
}

/// What an engine shares out in all.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) dimensions: Vec<Dimension>,
    pub(crate) totals: Amounts,
}

const FIRST_SLOT: usize = 2;
const FIRST_TOKEN: usize = FIRST_SLOT + ExecutorKind::ALL.len();

impl Pool {
    /// The pool that `options` describe; `memory` is what there is where they don't say.
    pub(crate) fn new(options: &EngineOptions, memory: u64) -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
        let mut dimensions = vec![Dimension::Memory, Dimension::Cpu];
        let mut totals = vec![
            options.memory.unwrap_or(memory),
            options.cpu.unwrap_or(cpus * 1_000),
        ];
        for kind in ExecutorKind::ALL {
            dimensions.push(Dimension::Slots(kind));
            totals.push(u64::from(options.slots(kind)));
        }
        for (name, amount) in &options.tokens {
            dimensions.push(Dimension::Token(Arc::clone(name)));
            totals.push(*amount);
        }
        Self {
            dimensions,
            totals: Amounts::from_slice(&totals),
        }
    }

    /// The dimension that counts the attempts of `kind`.
    pub(crate) fn slot(kind: ExecutorKind) -> usize {
        FIRST_SLOT + kind as usize
    }

    /// What a job that declared `spec` takes out of the pool; its memory may be the engine's default.
    ///
    /// # Errors
    /// `BudgetExceeded` where the whole pool could not carry it.
    pub(crate) fn amounts(&self, spec: &Spec, default_memory: bool) -> Result<Amounts> {
        let mut amounts = Amounts::zeros(self.dimensions.len());
        amounts[0] = spec.demand.memory;
        amounts[1] = spec.demand.cpu;
        amounts[Self::slot(spec.executor)] = 1;
        for (name, amount) in &spec.demand.tokens {
            amounts[self.token(&spec.task, name, *amount)?] = *amount;
        }
        self.check(&spec.task, &amounts, default_memory)?;
        Ok(amounts)
    }

    fn token(&self, task: &str, name: &Arc<str>, needs: u64) -> Result<usize> {
        let tokens = self.dimensions.iter().skip(FIRST_TOKEN);
        let found = tokens
            .enumerate()
            .find(|(_, token)| matches!(token, Dimension::Token(known) if known == name));
        found.map(|(index, _)| FIRST_TOKEN + index).ok_or_else(|| {
            let message = format!(
                "{task:?} needs {needs} of token {name:?} and the engine has none of it: open the engine with {needs} or more of it in its option tokens"
            );
            Error::new(ErrorKind::BudgetExceeded, message)
        })
    }

    fn check(&self, task: &str, amounts: &Amounts, default_memory: bool) -> Result<()> {
        let over = (0..self.dimensions.len()).find(|index| amounts[*index] > self.totals[*index]);
        over.map_or(Ok(()), |index| {
            let dimension = &self.dimensions[index];
            let (needs, has) = (dimension.show(amounts[index]), dimension.show(self.totals[index]));
            let origin = match dimension {
                Dimension::Memory if default_memory => ", the default where it says none,",
                _ => "",
            };
            let message = format!(
                "{task:?} needs {dimension} {needs}{origin} and the whole budget is {has}: it could never run; ask for less or give the engine more"
            );
            Err(Error::new(ErrorKind::BudgetExceeded, message))
        })
    }
}
