//! The module that Python imports.

use pyo3::prelude::*;

/// The native half of Bursar.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::clock::ManualClock;
    #[pymodule_export]
    use crate::current::{CurrentJob, Pause};
    #[pymodule_export]
    use crate::engine::EngineBase;
    #[pymodule_export]
    use crate::events::Events;
    #[pymodule_export]
    use crate::fork::forked;
    #[pymodule_export]
    use crate::job::Job;
    #[pymodule_export]
    use crate::notifier::attend_engines;
    #[pymodule_export]
    use crate::seat::Seat;
    #[pymodule_export]
    use crate::task::TaskBase;
}
