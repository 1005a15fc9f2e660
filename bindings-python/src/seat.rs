//! A place where jobs run one after another: a thread, or a task on an event loop. The loop of Python
//! that sits on it calls the user's functions itself, so that no frame of ours lies below them: at
//! the end of the interpreter CPython unwinds threads, and that must not meet a frame of Rust.

use std::sync::{Arc, Weak};

use bursar::core::{Assignment, Attempt, Ended, ExecutorKind, HostEvent};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::call;
use crate::current::CurrentJob;
use crate::function::Function;
use crate::hub::Hub;
use crate::live::Call;
use crate::{exit, python, trash, wait};

/// What is called next: `context.run` (none: call plainly), the function, its arguments, its keyword
/// arguments (none: none).
pub(crate) type Step<'py> = (
    Option<Bound<'py, PyAny>>,
    Bound<'py, PyAny>,
    Bound<'py, PyTuple>,
    Option<Bound<'py, PyDict>>,
);

/// Ends are reported in groups of at most this many.
const GROUP: usize = 64;

/// The attempt that runs here.
struct Running {
    attempt: Arc<Attempt>,
    /// The function, where arguments and results are encoded.
    function: Option<Arc<Function>>,
}

/// A place where jobs run one after another.
#[pyclass(frozen, module = "bursar._native")]
pub(crate) struct Seat {
    hub: Weak<Hub>,
    kind: ExecutorKind,
    running: Mutex<Option<Running>>,
}

impl Seat {
    pub(crate) fn new(hub: Weak<Hub>, kind: ExecutorKind) -> Self {
        Self {
            hub,
            kind,
            running: Mutex::new(None),
        }
    }

    fn next<'py>(&self, py: Python<'py>, hub: &Hub) -> PyResult<Option<Step<'py>>> {
        let step = match self.kind {
            ExecutorKind::Async => self.next_on_loop(py, hub),
            _ => self.next_on_thread(py, hub),
        };
        // A thread without more to do is about to let go of the interpreter, and wakes them then.
        if !matches!(step, Ok(None)) || hub.eager.get(py).is_some() {
            wait::wake_kept();
        }
        hub.serve(py)?;
        trash::empty(py);
        step
    }

    fn next_on_thread<'py>(&self, py: Python<'py>, hub: &Hub) -> PyResult<Option<Step<'py>>> {
        if hub.has_notices() {
            return notices(py, hub).map(Some);
        }
        while let Some(event) = hub.threads.lane.take() {
            let HostEvent::Start(assignment) = event else {
                continue;
            };
            if let Some(step) = self.begin(py, hub, assignment)? {
                hub.threads.found();
                return Ok(Some(step));
            }
        }
        Ok(None)
    }

    fn next_on_loop<'py>(&self, py: Python<'py>, hub: &Hub) -> PyResult<Option<Step<'py>>> {
        loop {
            if hub.has_notices() {
                return notices(py, hub).map(Some);
            }
            match hub.loops.lane.take() {
                Some(HostEvent::Start(assignment)) => {
                    if let Some(step) = self.begin(py, hub, assignment)? {
                        return Ok(Some(step));
                    }
                }
                Some(HostEvent::Stop(attempt)) => return hub.loops.stop(py, &attempt).map(Some),
                None if hub.loops.flush(hub) => {}
                None => return Ok(None),
            }
        }
    }

    /// Takes an attempt on; none where it ends before it has begun.
    fn begin<'py>(
        &self,
        py: Python<'py>,
        hub: &Hub,
        assignment: Assignment,
    ) -> PyResult<Option<Step<'py>>> {
        let Assignment { attempt, args, .. } = assignment;
        if attempt.stop_signal().is_set() {
            let reason = "it was stopped before it began".to_owned();
            hub.finish(self.kind, [(attempt, Ended::Cancelled(reason))]);
            return Ok(None);
        }
        let (call, function) = match the_call(py, hub, &attempt, &args) {
            Ok(call) => call,
            Err(error) => {
                let failure =
                    call::failure(py, hub, &error.into_value(py).into_bound(py).into_any());
                hub.finish(self.kind, [(attempt, Ended::GaveUp(failure))]);
                return Ok(None);
            }
        };
        let run = call.context.getattr(pyo3::intern!(py, "run"))?;
        let current = CurrentJob::new(hub, Arc::clone(&attempt));
        run.call1((python::SET_CURRENT.get(py)?, current))?;
        *self.running.lock() = Some(Running { attempt, function });
        Ok(Some((Some(run), call.function, call.args, call.kwargs)))
    }

    /// Reports how the attempt that ran here has ended, if one did.
    fn report(&self, hub: &Hub, ended: impl FnOnce(&Running) -> Ended) {
        let Some(running) = self.running.lock().take() else {
            return;
        };
        let ended = ended(&running);
        match self.kind {
            ExecutorKind::Async => hub.loops.ended(hub, running.attempt, ended, GROUP),
            _ => {
                hub.threads.search();
                wait::keep_wakes(|| hub.finish(self.kind, [(running.attempt, ended)]));
            }
        }
    }
}

#[pymethods]
impl Seat {
    /// Reports that what ran here returned `value`, and takes what is to be called next; `None`
    /// where there is nothing for now.
    fn step<'py>(&self, py: Python<'py>, value: &Bound<'py, PyAny>) -> PyResult<Option<Step<'py>>> {
        let Some(hub) = self.hub.upgrade() else {
            return Ok(None);
        };
        let _inside = exit::enter(py)?;
        self.report(&hub, |running| {
            call::returned(&hub, running.function.as_deref(), value)
        });
        self.next(py, &hub)
    }

    /// The same, where it raised `error`.
    fn failed<'py>(
        &self,
        py: Python<'py>,
        error: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Step<'py>>> {
        let Some(hub) = self.hub.upgrade() else {
            return Ok(None);
        };
        let _inside = exit::enter(py)?;
        self.report(&hub, |_| call::raised(py, &hub, error));
        self.next(py, &hub)
    }

    /// Reports without taking anything: that what ran here returned `value`.
    fn end(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let Some(hub) = self.hub.upgrade() else {
            return Ok(());
        };
        let _inside = exit::enter(py)?;
        self.report(&hub, |running| {
            call::returned(&hub, running.function.as_deref(), value)
        });
        hub.loops.flush(&hub);
        hub.tidy(py)
    }

    /// The same, where it raised `error`.
    fn end_failed(&self, py: Python<'_>, error: &Bound<'_, PyAny>) -> PyResult<()> {
        let Some(hub) = self.hub.upgrade() else {
            return Ok(());
        };
        let _inside = exit::enter(py)?;
        self.report(&hub, |_| call::raised(py, &hub, error));
        hub.loops.flush(&hub);
        hub.tidy(py)
    }

    /// Sleeps until there may be something to call; `False` once the engine is closed.
    fn wait(&self, py: Python<'_>) -> PyResult<bool> {
        let threads = self.hub.upgrade().map(|hub| Arc::clone(&hub.threads));
        exit::outside(py, || {
            wait::wake_kept();
            threads.is_some_and(|threads| threads.sleep())
        })
    }

    /// Looks for no more work here; for those that never sleep.
    fn leave(&self) {
        if let Some(hub) = self.hub.upgrade() {
            hub.threads.leave();
        }
    }

    /// The number of the attempt that runs here.
    #[getter]
    fn key(&self) -> Option<u64> {
        self.running
            .lock()
            .as_ref()
            .map(|running| running.attempt.key())
    }
}

/// The call that `args` describe.
fn the_call<'py>(
    py: Python<'py>,
    hub: &Hub,
    attempt: &Attempt,
    args: &bursar::core::Payload,
) -> PyResult<(Call<'py>, Option<Arc<Function>>)> {
    if let Some(call) = Call::from_payload(py, args) {
        return Ok((call, None));
    }
    let missing = || crate::error::internal(py, "the function of a job is not known to its engine");
    let function = hub.function(attempt.task()).ok_or_else(missing)?;
    if let Some(pickled) = args.as_host_bytes() {
        return Ok((Call::unpickled(py, &function.callable, pickled)?, None));
    }
    Ok((function.decode_call(py, args)?, Some(function)))
}

fn notices<'py>(py: Python<'py>, hub: &Hub) -> PyResult<Step<'py>> {
    let notices = hub.take_notices(py)?;
    let deliver = python::DELIVER.get(py)?.clone();
    Ok((None, deliver, PyTuple::new(py, [notices])?, None))
}
