//! The event loop that runs asynchronous functions. What is Python about it is in `bursar._loops`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use bursar::core::{Attempt, Ended, ExecutorKind, HostLane};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::hub::Hub;
use crate::seat::{Seat, Step};
use crate::{notifier, python};

/// The lane of one engine to its event loop.
pub(crate) struct LoopLane {
    pub(crate) lane: HostLane,
    hub: OnceLock<Weak<Hub>>,
    /// Whether the loop is to be woken.
    wanted: AtomicBool,
    ended: Mutex<Vec<(Arc<Attempt>, Ended)>>,
    loops: PyOnceLock<Py<PyAny>>,
}

/// Makes the places where the jobs of one engine run on its loop.
#[pyclass(frozen, module = "bursar._native")]
pub(crate) struct Seats {
    hub: Weak<Hub>,
}

#[pymethods]
impl Seats {
    /// One more place.
    fn take(&self) -> Seat {
        Seat::new(Weak::clone(&self.hub), ExecutorKind::Async)
    }
}

impl LoopLane {
    pub(crate) fn new() -> Self {
        Self {
            lane: HostLane::new(),
            hub: OnceLock::new(),
            wanted: AtomicBool::new(false),
            ended: Mutex::default(),
            loops: PyOnceLock::new(),
        }
    }

    /// Says, once, whose lane it is.
    pub(crate) fn attach(self: &Arc<Self>, hub: &Weak<Hub>) {
        let _ = self.hub.set(Weak::clone(hub));
        let this = Arc::downgrade(self);
        self.lane.set_waker(move || {
            if let Some(loops) = this.upgrade() {
                loops.wanted.store(true, Ordering::SeqCst);
                if let Some(hub) = loops.hub.get() {
                    notifier::poke(hub);
                }
            }
        });
    }

    /// The part of it that is Python.
    pub(crate) fn python<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyAny>> {
        let made = self.loops.get_or_try_init(py, || {
            let hub = self.hub.get().cloned().unwrap_or_default();
            let loops = python::SERVE_LOOP.get(py)?.call1((Seats { hub },))?;
            PyResult::Ok(loops.unbind())
        })?;
        Ok(made.bind(py))
    }

    /// Wakes the loop if something waits for it.
    pub(crate) fn serve(&self, py: Python<'_>) -> PyResult<()> {
        if !self.wanted.load(Ordering::Relaxed) || !self.wanted.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        if self.lane.is_closed() {
            return self.close(py);
        }
        self.python(py)?
            .call_method0(pyo3::intern!(py, "wake"))
            .map(drop)
    }

    /// Whether this is the thread of the loop.
    pub(crate) fn is_own_thread(&self, py: Python<'_>) -> PyResult<bool> {
        match self.loops.get(py) {
            Some(loops) => loops.bind(py).call_method0("runs_here")?.is_truthy(),
            None => Ok(false),
        }
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        match self.loops.get(py) {
            Some(loops) => loops.bind(py).call_method0("close").map(drop),
            None => Ok(()),
        }
    }

    /// Notes an end, to be reported with others.
    pub(crate) fn ended(&self, hub: &Hub, attempt: Arc<Attempt>, ended: Ended, group: usize) {
        let many = {
            let mut list = self.ended.lock();
            list.push((attempt, ended));
            list.len() >= group
        };
        if many {
            self.flush(hub);
        }
    }

    /// Reports what was noted; `false` if there was nothing.
    pub(crate) fn flush(&self, hub: &Hub) -> bool {
        let ended = std::mem::take(&mut *self.ended.lock());
        let some = !ended.is_empty();
        if some {
            hub.finish(ExecutorKind::Async, ended);
        }
        some
    }

    /// What is to be called so that the task of an attempt is cancelled.
    pub(crate) fn stop<'py>(&self, py: Python<'py>, attempt: &Attempt) -> PyResult<Step<'py>> {
        let stop = self.python(py)?.getattr("stop")?;
        let reason = attempt.stopped().map(|stop| stop.reason.to_string());
        let args = (attempt.key(), reason).into_pyobject(py)?;
        Ok((None, stop, args, None))
    }
}
