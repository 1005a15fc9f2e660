//! The handle on a job.

use std::sync::Arc;

use bursar::core::{Accepted, Final, JobInfo, OutcomeKind, Payload, State, Ticket};
use pyo3::prelude::*;
use pyo3::types::{PyAny, PyTuple};

use crate::current::Pause;
use crate::error::OrRaise;
use crate::events::Events;
use crate::function::{Function, decode, encode};
use crate::hub::Hub;
use crate::stream::ResultReader;
use crate::{call, exit, info, live, options, python, wait};

/// A submitted call of a task.
#[pyclass(frozen, generic, weakref, module = "bursar")]
pub(crate) struct Job {
    hub: Arc<Hub>,
    ticket: Arc<Ticket>,
    /// The function, where it was known at the submit.
    function: Option<Arc<Function>>,
    /// Whether the submit found this earlier, unfinished job with the same unique key.
    #[pyo3(get)]
    deduplicated: bool,
}

impl Job {
    pub(crate) fn new(hub: Arc<Hub>, accepted: Accepted, function: Option<Arc<Function>>) -> Self {
        Self {
            hub,
            ticket: accepted.ticket,
            function,
            deduplicated: accepted.deduplicated,
        }
    }

    /// Runs it here and now, where its engine does that.
    pub(crate) fn run_if_eager(&self, py: Python<'_>) -> PyResult<()> {
        let Some(eager) = self.hub.eager.get(py) else {
            return Ok(());
        };
        eager.bind(py).call1((self.id(), self.is_async())).map(drop)
    }

    fn is_async(&self) -> bool {
        self.function
            .as_ref()
            .is_some_and(|function| function.is_async)
    }

    /// Waits for its end; none where the time runs out before.
    fn outcome(
        &self,
        py: Python<'_>,
        timeout: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Final>> {
        let timeout = options::patience("timeout", timeout)?;
        if let Some(outcome) = self.ticket.outcome() {
            return Ok(Some(outcome));
        }
        self.hub.check(py)?;
        self.check_loop(py)?;
        let pause = Pause::of_current(py, &self.hub, &self.ticket)?;
        if let Some(pause) = &pause {
            pause.begin(py)?;
        }
        let outcome = wait::end(py, timeout, &self.ticket);
        if let Some(pause) = &pause {
            pause.end();
        }
        outcome
    }

    /// # Errors
    /// `Conflict` where the loop that is to run it would be blocked.
    fn check_loop(&self, py: Python<'_>) -> PyResult<()> {
        if self.is_async() && self.hub.loops.is_own_thread(py)? {
            let message =
                "this would block the event loop that is to run the job: await the job instead";
            return Err(python::error(py, "Conflict", message));
        }
        Ok(())
    }

    fn late(&self) -> PyErr {
        let message = format!("job {} has not ended yet; it goes on", self.ticket.id());
        pyo3::exceptions::PyTimeoutError::new_err(message)
    }

    fn value<'py>(&self, py: Python<'py>, end: &Final) -> PyResult<Bound<'py, PyAny>> {
        if let Some(value) = live::value(py, &end.end.result)? {
            return Ok(value);
        }
        let mut result = end.end.result.clone();
        if result.as_spilled().is_some() {
            let _inside = exit::enter(py)?;
            result = exit::outside(py, || result.read())?.or_raise(py)?;
        }
        match self.known_function(py) {
            Some(function) => function.decode_result(py, &result),
            None => decode(py, python::PLAIN.get(py)?, "decode_result", &result),
        }
    }

    /// The function that it calls, where that is known here.
    fn known_function(&self, py: Python<'_>) -> Option<Arc<Function>> {
        let by_name = || {
            let info = self.snapshot(py).ok()?;
            self.hub.function(&info.spec.task)
        };
        self.function.clone().or_else(by_name)
    }

    /// What it returned as JSON, wherever that is; a live object is encoded for this.
    fn encoded(&self, py: Python<'_>, end: &Final) -> PyResult<Payload> {
        let Some(value) = live::value(py, &end.end.result)? else {
            return Ok(end.end.result.clone());
        };
        match self.known_function(py) {
            Some(function) => function.encode_result(&value),
            None => encode(
                &python::PLAIN
                    .get(py)?
                    .call_method1("encode_result", (value,))?,
            ),
        }
    }

    /// The exception that tells why it did not complete.
    fn failure<'py>(slf: &Bound<'py, Self>, end: &Final) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let _inside = exit::enter(py)?;
        let failure = end.end.failure.clone().unwrap_or_default();
        // One that can't be read back is told of in words all the same.
        let cause = live::value(py, &failure.live).ok().flatten();
        let written = failure.traceback.as_deref();
        let exit = info::exit_of(&failure);
        let args = (
            end.end.kind.as_str(),
            failure.kind,
            failure.message,
            written,
            cause,
            slf,
            exit,
        );
        python::JOB_FAILURE.get(py)?.call1(args)
    }

    fn snapshot(&self, py: Python<'_>) -> PyResult<JobInfo> {
        self.hub.ask(py, |core| core.info(self.ticket.id(), false))
    }

    fn settled<'py>(slf: &Bound<'py, Self>, outcome: Option<Final>) -> PyResult<Bound<'py, PyAny>> {
        let job = slf.get();
        let end = outcome.ok_or_else(|| job.late())?;
        if end.end.kind == OutcomeKind::Completed {
            return job.value(slf.py(), &end);
        }
        Err(PyErr::from_value(Self::failure(slf, &end)?))
    }
}

#[pymethods]
impl Job {
    /// The id: a UUIDv7 as text.
    #[getter]
    fn id(&self) -> String {
        self.ticket.id().to_string()
    }

    /// Its state now.
    #[getter]
    fn state(&self, py: Python<'_>) -> PyResult<&'static str> {
        match self.ticket.outcome() {
            Some(end) => Ok(end.state.as_str()),
            None => self.snapshot(py).map(|info| info.state.as_str()),
        }
    }

    /// How far it says it has come.
    #[getter]
    fn progress<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let progress = self.snapshot(py)?.progress;
        progress
            .map(|progress| info::progress(py, &progress))
            .transpose()
    }

    /// A snapshot of everything that is known of it.
    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        info::job(py, &self.hub, &self.snapshot(py)?)
    }

    /// Waits for its end and returns what it returned.
    #[pyo3(signature = (timeout=None))]
    fn result<'py>(
        slf: &Bound<'py, Self>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let outcome = slf.get().outcome(slf.py(), timeout)?;
        Self::settled(slf, outcome)
    }

    /// Waits for its end and opens what it returned, to be read a piece at a time.
    ///
    /// Raises JobFailed or a subclass where it did not complete, TimeoutError where `timeout` is over
    /// before, NotFound where its file is gone.
    #[pyo3(signature = (timeout=None))]
    fn open_result<'py>(
        slf: &Bound<'py, Self>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, job) = (slf.py(), slf.get());
        let end = job.outcome(py, timeout)?.ok_or_else(|| job.late())?;
        if end.end.kind != OutcomeKind::Completed {
            return Err(PyErr::from_value(Self::failure(slf, &end)?));
        }
        let reader = job.encoded(py, &end)?.open().or_raise(py)?;
        python::OPEN_STREAM
            .get(py)?
            .call1((ResultReader::new(reader),))
    }

    /// Opens what its command has written as `stdout` or `stderr`, to be read a piece at a time.
    ///
    /// Raises NotFound where nothing was written under this name, where the job has not ended, or where
    /// the file is gone. Reading raises Unavailable where that is damaged.
    fn open_output<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let output = self
            .hub
            .ask(py, |core| core.output(self.ticket.id(), name))?;
        let reader = output.open().or_raise(py)?;
        python::OPEN_STREAM
            .get(py)?
            .call1((ResultReader::new(reader),))
    }

    /// Waits for its end; `False` where the time runs out before.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        Ok(self.outcome(py, timeout)?.is_some())
    }

    /// Waits for its end and returns the exception that `result` would raise, or None.
    #[pyo3(signature = (timeout=None))]
    fn exception<'py>(
        slf: &Bound<'py, Self>,
        timeout: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let job = slf.get();
        let end = job.outcome(slf.py(), timeout)?.ok_or_else(|| job.late())?;
        let failed = end.end.kind != OutcomeKind::Completed;
        failed.then(|| Self::failure(slf, &end)).transpose()
    }

    /// Whether it has ended.
    fn done(&self) -> bool {
        self.ticket.is_done()
    }

    /// Cancels it: at once where it waits, by asking where it runs. `False` if it had ended.
    #[pyo3(signature = (reason=""))]
    fn cancel(&self, py: Python<'_>, reason: &str) -> PyResult<bool> {
        self.hub
            .ask(py, |core| core.cancel(self.ticket.id(), reason))
    }

    /// Cancels it, and ends its process at once where it has one here. `False` if it had ended.
    #[pyo3(signature = (reason=""))]
    fn kill(&self, py: Python<'_>, reason: &str) -> PyResult<bool> {
        self.hub.ask(py, |core| core.kill(self.ticket.id(), reason))
    }

    /// Freezes its process. `False` where it was paused already.
    fn pause(&self, py: Python<'_>) -> PyResult<bool> {
        self.hub.ask(py, |core| core.pause(self.ticket.id()))
    }

    /// Lets it go on. `False` where it wasn't paused.
    fn resume(&self, py: Python<'_>) -> PyResult<bool> {
        self.hub.ask(py, |core| core.resume(self.ticket.id()))
    }

    /// Submits this dead letter again, as a new job.
    fn retry(&self, py: Python<'_>) -> PyResult<Self> {
        let accepted = self.hub.ask(py, |core| core.retry(self.ticket.id()))?;
        Ok(Self::new(
            Arc::clone(&self.hub),
            accepted,
            self.function.clone(),
        ))
    }

    /// Deletes it; it must have ended.
    fn delete(&self, py: Python<'_>) -> PyResult<()> {
        self.hub.ask(py, |core| core.delete(self.ticket.id()))
    }

    /// The lines that it logged, oldest first.
    fn logs<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let known = self.hub.ask(py, |core| core.info(self.ticket.id(), true))?;
        known
            .logs
            .iter()
            .map(|line| info::log_line(py, line))
            .collect()
    }

    /// Why it isn't running.
    fn why<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        info::why(py, &self.hub.ask(py, |core| core.why(self.ticket.id()))?)
    }

    /// What happens to it from now on, until it ends.
    fn events(&self, py: Python<'_>) -> PyResult<Events> {
        self.hub.check(py)?;
        Ok(Events::of_job(&self.hub, &self.ticket))
    }

    /// Calls `function(job)` once it has ended; at once if it has.
    fn add_done_callback(slf: &Bound<'_, Self>, function: Bound<'_, PyAny>) -> PyResult<()> {
        let job = slf.get();
        job.hub.check(slf.py())?;
        let (hub, handle) = (Arc::downgrade(&job.hub), slf.clone().into_any().unbind());
        let function = function.unbind();
        crate::notifier::attend(|| {
            job.ticket.on_done(move || {
                if let Some(hub) = hub.upgrade() {
                    hub.notify(function, handle);
                }
            });
        });
        job.hub.tidy(slf.py())
    }

    /// The traceback of the exception that it failed with, as text.
    fn _traceback(&self, py: Python<'_>) -> Option<String> {
        let failure = self.ticket.outcome()?.end.failure.clone()?;
        let from_live = || {
            call::traceback(
                py,
                &live::value(py, &failure.live)
                    .ok()
                    .flatten()
                    .filter(|error| !error.is_none())?,
            )
        };
        failure.traceback.clone().or_else(from_live)
    }

    /// The `with` block in which a job that waits for this one gives its slot back, if one runs here.
    fn _pause(&self, py: Python<'_>) -> PyResult<Option<Pause>> {
        self.hub.check(py)?;
        Pause::of_current(py, &self.hub, &self.ticket)
    }

    fn __await__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        if slf.get().ticket.is_done() {
            let ready = Ready(slf.clone().unbind());
            return Ok(Bound::new(slf.py(), ready)?.into_any());
        }
        slf.get().hub.check(slf.py())?;
        let loops = slf.get().hub.loops.python(slf.py())?;
        python::AWAIT_JOB.get(slf.py())?.call1((slf, loops))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        let other = other.cast::<Self>();
        other.is_ok_and(|other| {
            let other = other.get();
            other.ticket.id() == self.ticket.id() && Arc::ptr_eq(&other.hub, &self.hub)
        })
    }

    fn __hash__(&self) -> u64 {
        let id = self.ticket.id();
        let bytes = id.as_bytes();
        bytes[..8]
            .iter()
            .rev()
            .chain(&bytes[8..])
            .fold(0, |hash, byte| hash << 7 ^ hash >> 57 ^ u64::from(*byte))
    }

    fn __repr__(&self) -> String {
        let state = self
            .ticket
            .outcome()
            .map_or("unfinished", |end| State::as_str(end.state));
        format!("<Job {} {state}>", self.id())
    }
}

/// The awaited end of a job that has ended already.
#[pyclass(frozen, module = "bursar._native")]
struct Ready(Py<Job>);

#[pymethods]
impl Ready {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<()> {
        let job = self.0.bind(py);
        let value = Job::settled(job, job.get().ticket.outcome())?;
        // A tuple as such would be taken for the arguments of the exception.
        let args = PyTuple::new(py, [value])?;
        Err(pyo3::exceptions::PyStopIteration::new_err(args.unbind()))
    }
}

/// The handle on the job with this id.
pub(crate) fn find(py: Python<'_>, hub: &Arc<Hub>, id: &str) -> PyResult<Job> {
    let id = id.parse().or_raise(py)?;
    let info = hub.ask(py, |core| core.info(id, false))?;
    let ticket = hub.ask(py, |core| core.ticket(id))?;
    let accepted = Accepted {
        ticket,
        deduplicated: false,
    };
    Ok(Job::new(
        Arc::clone(hub),
        accepted,
        hub.function(&info.spec.task),
    ))
}
