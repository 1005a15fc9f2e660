//! A clock for tests of programs that use Bursar.

use std::sync::Arc;

use bursar::core::{Clock, ManualClock as CoreClock, OptionValue, Timestamp};
use pyo3::prelude::*;

use crate::{info, options, python};

/// A clock that stands still until it is moved: `bursar.testing.ManualClock`.
#[pyclass(frozen, module = "bursar.testing")]
pub(crate) struct ManualClock {
    clock: Arc<CoreClock>,
}

impl ManualClock {
    pub(crate) fn shared(&self) -> Arc<dyn Clock> {
        let clock: Arc<CoreClock> = Arc::clone(&self.clock);
        clock
    }
}

#[pymethods]
impl ManualClock {
    /// A clock that stands still at `start` (default: 2026-01-01T00:00:00Z).
    #[new]
    #[pyo3(signature = (start=None))]
    fn new(start: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let start = start
            .map(|start| start.call_method0("timestamp")?.extract::<f64>())
            .transpose()?;
        let clock = start.map_or_else(CoreClock::default, |seconds| {
            CoreClock::new(Timestamp::from_micros((seconds * 1e6).max(0.0) as u64))
        });
        Ok(Self {
            clock: Arc::new(clock),
        })
    }

    /// Moves it forward by a duration; whoever waits for a time that has come is woken.
    fn advance(&self, py: Python<'_>, by: &Bound<'_, PyAny>) -> PyResult<()> {
        let by = match options::value(by) {
            OptionValue::Null => None,
            _ => options::patience("by", Some(by))?,
        };
        let by = by.ok_or_else(|| {
            python::error(py, "Invalid", "advance takes a duration, such as \"10s\"")
        })?;
        py.detach(|| self.clock.advance(by));
        Ok(())
    }

    /// The time that it shows.
    fn now<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        info::time(py, self.clock.now())
    }
}
