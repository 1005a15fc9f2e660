//! The strongest that Windows gives: a Job Object for each attempt, and sampling in any case.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::limits::{CpuAction, Isolation, Limits};
use crate::process::{JobObject, Launch};

/// Below this, no program starts, and what it says of it is nothing that people understand.
const LEAST_MEMORY: u64 = 16 << 20;

/// Knows what this system gives, once for an engine.
#[derive(Debug)]
pub struct Enforcer {
    _private: (),
}

/// How the limits of one attempt are enforced besides sampling.
#[derive(Debug)]
pub struct Enforcement {
    /// The strongest of what is done.
    pub isolation: Isolation,
    job_object: io::Result<Arc<JobObject>>,
}

impl Enforcer {
    /// Finds out what this system gives.
    pub fn find() -> Self {
        Self { _private: () }
    }

    /// For a command: all of its tree may commit `memory`, unless that is below 16 MiB, where no program
    /// starts, and use the processor at the rate of `cpu`, where that is to be throttled.
    pub fn prepare(&self, limits: &Limits, _program: &Path) -> Enforcement {
        let memory = limits.memory.filter(|memory| *memory >= LEAST_MEMORY);
        let throttles = limits.cpu_action == CpuAction::Throttle;
        Enforcement {
            isolation: Isolation::JobObject,
            job_object: JobObject::new(memory, limits.cpu.filter(|_| throttles)),
        }
    }
}

impl Enforcement {
    /// Holds what is launched to its limits.
    ///
    /// # Errors
    /// Where the system refused that.
    pub(crate) fn apply(&self, launch: &mut Launch) -> io::Result<()> {
        let job_object = self.job_object.as_ref().map_err(|error| {
            let message = format!("its Job Object can't be made, or not with its limits: {error}");
            io::Error::new(error.kind(), message)
        })?;
        launch.job_object = Some(Arc::clone(job_object));
        Ok(())
    }

    /// Whether the system has refused the tree memory for its limit.
    pub(crate) fn ran_out(&self) -> bool {
        self.job_object.as_ref().is_ok_and(|job| job.ran_out())
    }
}
