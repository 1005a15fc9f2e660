//! A limit that an attempt went over, in words.

use std::fmt;
use std::time::Duration;

use crate::outcome::{Failure, OutcomeKind};
use crate::units::{format_duration, format_size};

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// Bytes of memory at once.
    Memory,
    /// Thousandths of a core.
    Cpu,
    /// Microseconds of processor time in all.
    CpuTime,
    /// Descriptors at once.
    Files,
    /// Sockets at once.
    Connections,
}

impl Resource {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::Memory,
        Self::Cpu,
        Self::CpuTime,
        Self::Files,
        Self::Connections,
    ];

    /// Its name, as an option is named in snake case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::CpuTime => "cpu_time",
            Self::Files => "files",
            Self::Connections => "connections",
        }
    }

    /// The type of the failure of an attempt that was stopped for using too much of it.
    pub fn failure_type(self) -> &'static str {
        match self {
            Self::Memory => "MemoryExceeded",
            Self::Cpu => "CpuExceeded",
            Self::CpuTime => "CpuTimeExceeded",
            Self::Files => "FilesExceeded",
            Self::Connections => "ConnectionsExceeded",
        }
    }

    /// What an attempt ends with that was stopped for using too much of it.
    pub fn outcome(self) -> OutcomeKind {
        match self {
            Self::Memory => OutcomeKind::MemoryExceeded,
            _ => OutcomeKind::Failed,
        }
    }

    /// An amount of it, for people.
    pub fn show(self, amount: u64) -> String {
        match self {
            Self::Memory => format_size(amount),
            Self::Cpu => format!("{} cores", amount as f64 / 1_000.0),
            Self::CpuTime => format_duration(Duration::from_micros(amount)),
            Self::Files => format!("{amount} open files"),
            Self::Connections => format!("{amount} connections"),
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "memory",
            Self::Cpu => "cpu",
            Self::CpuTime => "processor time",
            Self::Files => "open files",
            Self::Connections => "connections",
        })
    }
}

/// How much of something an attempt used where it may use less. Amounts are in the unit of the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Of what.
    pub resource: Resource,
    /// What it used.
    pub used: u64,
    /// What it may use.
    pub limit: u64,
    /// What was reserved for it; 0 where that is not reserved.
    pub requested: u64,
    /// The most that it was seen to use.
    pub peak: u64,
}

impl Breach {
    /// What the attempt failed with.
    pub fn failure(&self) -> Failure {
        Failure::new(self.resource.failure_type(), self.to_string())
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |amount| self.resource.show(amount);
        // What is refused is never used.
        if self.used <= self.limit {
            f.write_str("it was refused more: ")?;
        }
        let (used, limit) = (show(self.used), show(self.limit));
        write!(f, "it used {used} where its limit is {limit}")?;
        if self.requested > 0 {
            write!(f, " (it asked for {})", show(self.requested))?;
        }
        if self.peak > self.used {
            write!(f, ", and {} at its peak", show(self.peak))?;
        }
        Ok(())
    }
}
