//! What a running job can ask about itself and say of itself.

use std::sync::{Arc, Weak};

use bursar::core::{Attempt, Reply, SlotPause, Ticket};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::error::OrRaise;
use crate::function::{decode, encode};
use crate::hub::Hub;
use crate::{info, notifier, python};

/// The running job, as its own code sees it: `bursar.current_job()`.
#[pyclass(frozen, module = "bursar")]
pub(crate) struct CurrentJob {
    hub: Weak<Hub>,
    pub(crate) attempt: Arc<Attempt>,
}

impl CurrentJob {
    pub(crate) fn new(hub: &Hub, attempt: Arc<Attempt>) -> Self {
        Self {
            hub: Weak::clone(&hub.this),
            attempt,
        }
    }

    /// The running job of this context, if any.
    pub(crate) fn get(py: Python<'_>) -> PyResult<Option<Bound<'_, Self>>> {
        let current = python::GET_CURRENT.get(py)?.call1((py.None(),))?;
        Ok(current.cast_into::<Self>().ok())
    }

    /// Its engine, while there is one.
    pub(crate) fn hub(&self) -> Option<Arc<Hub>> {
        self.hub.upgrade()
    }

    fn say(
        &self,
        py: Python<'_>,
        said: impl FnOnce(&Attempt) -> bursar::core::Result<Reply<()>>,
    ) -> PyResult<()> {
        let hub = self
            .hub()
            .ok_or_else(bursar::core::Error::closed)
            .or_raise(py)?;
        let reply = said(&self.attempt).or_raise(py)?;
        hub.ask(py, |_| reply)
    }
}

#[pymethods]
impl CurrentJob {
    /// The id of the job: the idempotency key to pass on.
    #[getter]
    fn id(&self) -> String {
        self.attempt.job().to_string()
    }

    /// The number of the attempt, from 1.
    #[getter]
    fn attempt(&self) -> u32 {
        self.attempt.number()
    }

    /// The name of the task.
    #[getter]
    fn task(&self) -> String {
        self.attempt.task().to_owned()
    }

    /// The bytes of memory that are reserved for it.
    #[getter]
    fn memory(&self) -> u64 {
        self.attempt.memory()
    }

    /// When its timeout is over; None where it has none.
    #[getter]
    fn deadline<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (Some(deadline), Some(hub)) = (self.attempt.deadline(), self.hub()) else {
            return Ok(None);
        };
        let clock = hub.core.clock();
        let at = clock.now().after(deadline.since(clock.tick()));
        info::time(py, at).map(Some)
    }

    /// Whether it is asked to stop.
    #[getter]
    fn cancelled(&self) -> bool {
        self.attempt.stop_signal().is_set()
    }

    /// Whether it is a daemon.
    #[getter]
    fn daemon(&self) -> bool {
        false
    }

    /// Says how far it has come, in percent.
    #[pyo3(signature = (percent, message=None))]
    fn progress(&self, py: Python<'_>, percent: f64, message: Option<&str>) -> PyResult<()> {
        self.say(py, |attempt| attempt.progress(percent, message))
    }

    /// Logs a line.
    #[pyo3(signature = (message, level="info"))]
    fn log(&self, py: Python<'_>, message: &str, level: &str) -> PyResult<()> {
        self.say(py, |attempt| Ok(attempt.log(level, message)))
    }

    /// Without an argument: the last checkpoint of the job, None if there is none. With one: saves it.
    #[pyo3(signature = (*state))]
    fn checkpoint<'py>(
        &self,
        py: Python<'py>,
        state: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let plain = python::PLAIN.get(py)?;
        if state.is_empty() {
            return match self.attempt.checkpoint() {
                Some(saved) => decode(py, plain, "decode_result", &saved),
                None => Ok(py.None().into_bound(py)),
            };
        }
        let (state,): (Bound<'py, PyAny>,) = state.extract()?;
        let state = encode(&plain.call_method1("encode_state", (state,))?)?;
        self.say(py, |attempt| attempt.save_checkpoint(state))?;
        Ok(py.None().into_bound(py))
    }

    /// Raises `bursar.Cancel` if the job is asked to stop.
    fn raise_if_cancelled(&self, py: Python<'_>) -> PyResult<()> {
        match self.attempt.stopped() {
            None => Ok(()),
            Some(stop) => Err(PyErr::from_value(
                python::CANCEL.get(py)?.call1((&*stop.reason,))?,
            )),
        }
    }

    fn __repr__(&self) -> String {
        format!(
            "<CurrentJob {} {:?} attempt {}>",
            self.id(),
            self.attempt.task(),
            self.attempt()
        )
    }
}

/// The slot of a job that waits for another one, given back for the time of a `with` block.
#[pyclass(frozen, module = "bursar._native")]
pub(crate) struct Pause {
    hub: Arc<Hub>,
    attempt: Arc<Attempt>,
    awaited: Arc<Ticket>,
    pause: Mutex<Option<SlotPause>>,
}

impl Pause {
    /// The pause of the job that runs in this context, if one does and it is of the engine `hub`.
    pub(crate) fn of_current(
        py: Python<'_>,
        hub: &Arc<Hub>,
        awaited: &Arc<Ticket>,
    ) -> PyResult<Option<Self>> {
        let Some(current) = CurrentJob::get(py)? else {
            return Ok(None);
        };
        let current = current.get();
        let same = current.hub().is_some_and(|own| Arc::ptr_eq(&own, hub));
        Ok(same.then(|| Self {
            hub: Arc::clone(hub),
            attempt: Arc::clone(&current.attempt),
            awaited: Arc::clone(awaited),
            pause: Mutex::new(None),
        }))
    }

    /// # Errors
    /// `Conflict` where nothing would ever go on.
    pub(crate) fn begin(&self, py: Python<'_>) -> PyResult<()> {
        let pause = notifier::attend(|| SlotPause::begin(&self.attempt, &self.awaited));
        self.hub.tidy(py)?;
        *self.pause.lock() = Some(pause.or_raise(py)?);
        Ok(())
    }

    pub(crate) fn end(&self) {
        let pause = self.pause.lock().take();
        drop(pause);
    }
}

#[pymethods]
impl Pause {
    fn __enter__(&self, py: Python<'_>) -> PyResult<()> {
        self.begin(py)
    }

    #[pyo3(signature = (*_error))]
    fn __exit__(&self, _error: &Bound<'_, PyTuple>) {
        self.end();
    }
}
