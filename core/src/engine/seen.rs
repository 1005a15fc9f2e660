//! What is known of an attempt that runs in processes of its own.

use crate::limits::{Breach, Isolation, Resource};
use crate::outcome::Measured;
use crate::sandbox::SandboxParts;

/// What an attempt was seen to use, and how that is limited.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) measured: Option<Measured>,
    pub(super) isolation: Option<Isolation>,
    pub(super) sandbox: Option<SandboxParts>,
    /// The limit that it went over first.
    pub(super) breach: Option<Breach>,
}

impl Seen {
    /// What was noted before is the least: a peak stays.
    pub(super) fn measure(&mut self, seen: Measured) {
        let before = self.measured.unwrap_or_default();
        self.measured = Some(Measured {
            peak_memory: before.peak_memory.max(seen.peak_memory),
            cpu_time: before.cpu_time.max(seen.cpu_time),
        });
    }

    /// The limit that it went over, with the most that it was seen to use since.
    pub(super) fn breach(&self) -> Option<Breach> {
        let mut breach = self.breach?;
        let measured = self.measured.unwrap_or_default();
        let peak = match breach.resource {
            Resource::Memory => measured.peak_memory,
            Resource::CpuTime => crate::clock::micros(measured.cpu_time),
            Resource::Cpu | Resource::Files | Resource::Connections => 0,
        };
        breach.peak = breach.peak.max(peak);
        Some(breach)
    }
}
