//! The module that Python imports.

use pyo3::prelude::*;

/// The native half of Bursar.
#[pymodule]
mod _native {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::clock::ManualClock;
    #[pymodule_export]
    use crate::current::{CurrentJob, Pause};
    #[pymodule_export]
    use crate::engine::EngineBase;
    #[pymodule_export]
    use crate::events::Events;
    #[pymodule_export]
    use crate::exit::begin_end;
    #[pymodule_export]
    use crate::fork::forked;
    #[pymodule_export]
    use crate::job::Job;
    #[pymodule_export]
    use crate::notifier::attend_engines;
    #[pymodule_export]
    use crate::processes::{Mirror, be_a_root};
    #[pymodule_export]
    use crate::seat::Seat;
    #[pymodule_export]
    use crate::stream::ResultReader;
    #[pymodule_export]
    use crate::task::TaskBase;

    #[pymodule_export]
    use crate::title::show_title;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::fork::check_interpreter(module.py())
    }
}
