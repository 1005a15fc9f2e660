//! What the attempts of a job may use.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What one attempt may use, with everything that it starts. `None` is no limit; 0 is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// Memory in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Processor time per time, in thousandths of a core: the average over five seconds, where it is
    /// to warn or to stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u64>,
    /// What happens above `cpu`.
    #[serde(default)]
    pub cpu_action: CpuAction,
    /// Processor time in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_time: Option<Duration>,
    /// Descriptors that are open at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<u32>,
    /// Sockets that are open at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<u32>,
}

/// Whether descriptors and sockets of a tree can be counted on this system.
const COUNTS_DESCRIPTORS: bool = cfg!(target_os = "linux") && !cfg!(processes = "groups");

impl Limits {
    /// No limits at all.
    pub const NONE: Self = Self {
        memory: None,
        cpu: None,
        cpu_action: CpuAction::Throttle,
        cpu_time: None,
        files: None,
        connections: None,
    };

    /// Whether this system can hold its jobs to them.
    ///
    /// # Errors
    /// `Invalid` for what can't be counted here.
    pub(crate) fn check_here(&self) -> Result<()> {
        let limited = [
            ("files", self.files.is_some()),
            ("connections", self.connections.is_some()),
        ];
        let asked = limited.into_iter().find(|(_, is)| *is);
        match asked.filter(|_| !COUNTS_DESCRIPTORS) {
            None => Ok(()),
            Some((name, _)) => Err(Error::invalid(format!(
                "limits: {name} can't be counted on {}: leave that limit out, or have the job run by an \
                 engine on Linux",
                std::env::consts::OS
            ))),
        }
    }

    /// Whether nothing is limited.
    pub fn is_none(&self) -> bool {
        let Self {
            memory,
            cpu,
            cpu_action: _,
            cpu_time,
            files,
            connections,
        } = *self;
        memory.is_none()
            && cpu.is_none()
            && cpu_time.is_none()
            && files.is_none()
            && connections.is_none()
    }
}

/// What happens to an attempt that uses more processor time per time than it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CpuAction {
    /// Its log says so.
    Warn,
    /// It is slowed down to what it may use.
    #[default]
    Throttle,
    /// It is stopped.
    Stop,
}

impl CpuAction {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Warn, Self::Throttle, Self::Stop];

    /// Its name, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Throttle => "throttle",
            Self::Stop => "stop",
        }
    }
}

impl fmt::Display for CpuAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CpuAction {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| {
            Error::invalid(format!(
                "unknown action {text:?}: use warn, throttle or stop"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_counted_here_is_refused_by_name() {
        assert!(Limits::NONE.check_here().is_ok());
        let limits = Limits {
            memory: Some(1),
            cpu: Some(1),
            cpu_time: Some(Duration::ZERO),
            ..Limits::NONE
        };
        assert!(limits.check_here().is_ok());
        let files = Limits {
            files: Some(0),
            ..limits
        };
        let connections = Limits {
            connections: Some(9),
            ..limits
        };
        for (limits, name) in [(files, "files"), (connections, "connections")] {
            let refused = limits.check_here().err().map(|error| error.to_string());
            let says = |message: &str| message.contains(name) && message.contains("on Linux");
            assert_eq!(refused.is_some(), !COUNTS_DESCRIPTORS);
            assert!(refused.is_none_or(|message| says(&message)), "{name}");
        }
    }
}
