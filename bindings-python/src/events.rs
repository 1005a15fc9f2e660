//! Listening to what happens, from blocking and from asynchronous code.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bursar::core::{Event, Events as CoreEvents, Signal, Ticket};
use parking_lot::Mutex;
use pyo3::exceptions::PyStopAsyncIteration;
use pyo3::prelude::*;

use crate::hub::Hub;
use crate::{info, python, wait};

/// The next event of a listener, and the listener again.
type Next = Pin<Box<dyn Future<Output = (CoreEvents, Option<Event>)> + Send>>;

fn next_of(mut events: CoreEvents) -> Next {
    Box::pin(async move {
        let event = events.next().await;
        (events, event)
    })
}

/// An iterator of events, blocking and asynchronous.
#[pyclass(frozen, module = "bursar._native")]
pub(crate) struct Events {
    hub: Arc<Hub>,
    /// The next event. It is kept while it is to come: dropped, it would forget whom to wake.
    next: Mutex<Next>,
    /// The job after whose end nothing more comes.
    job: Option<Arc<Ticket>>,
    over: AtomicBool,
}

impl Events {
    pub(crate) fn of_job(hub: &Arc<Hub>, job: &Arc<Ticket>) -> Self {
        Self::new(hub, Some(Arc::clone(job)))
    }

    pub(crate) fn of_engine(hub: &Arc<Hub>) -> Self {
        Self::new(hub, None)
    }

    fn new(hub: &Arc<Hub>, job: Option<Arc<Ticket>>) -> Self {
        let events = hub.core.events(job.as_ref().map(|job| job.id()));
        Self {
            hub: Arc::clone(hub),
            next: Mutex::new(next_of(events)),
            job,
            over: AtomicBool::new(false),
        }
    }

    /// An event that is there, or whether there will be none any more.
    fn poll(&self, waker: &Waker) -> Poll<Option<Event>> {
        if self.over.load(Ordering::Relaxed) {
            return Poll::Ready(None);
        }
        // Asked before the queue is looked at: what came before it is seen there.
        let last = self.is_last();
        let mut next = self.next.lock();
        match next.as_mut().poll(&mut Context::from_waker(waker)) {
            Poll::Ready((events, event)) => {
                *next = next_of(events);
                Poll::Ready(event)
            }
            Poll::Pending if last => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_last(&self) -> bool {
        let ended = self.job.as_ref().is_some_and(|job| job.is_done());
        ended || self.hub.core.is_closed() && self.hub.core.unfinished() == 0
    }

    fn seen<'py>(
        &self,
        py: Python<'py>,
        event: Option<Event>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if event.is_none() {
            self.over.store(true, Ordering::Relaxed);
        }
        event.map(|event| info::event(py, &event)).transpose()
    }

    /// Wakes `waker` at the end of what it listens to, too.
    fn watch_end(&self, bell: &Arc<Bell>) {
        if let Some(job) = &self.job {
            let bell = Arc::clone(bell);
            job.on_done(move || bell.wake());
        }
    }
}

#[pymethods]
impl Events {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.hub.check(py)?;
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(Arc::clone(&bell));
        let mut first = true;
        let event = loop {
            if let Poll::Ready(event) = self.poll(&waker) {
                break event;
            }
            if std::mem::take(&mut first) {
                self.watch_end(&bell);
            }
            // In slices, since the end of an engine rings no bell.
            let rung = bell.rung.lock().clone();
            wait::signal(py, Some(Duration::from_millis(100)), &rung)?;
            bell.reset();
        };
        self.seen(py, event)
    }

    fn __aiter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __anext__<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        python::NEXT_EVENT.get(slf.py())?.call1((slf,))
    }

    /// The next event as `(event,)`; an empty tuple where there is none yet, and then `call` is
    /// called, once, when it may be there.
    ///
    /// # Errors
    /// `StopAsyncIteration` where there will be none any more.
    fn _poll<'py>(
        slf: &Bound<'py, Self>,
        call: Bound<'py, PyAny>,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let (py, this) = (slf.py(), slf.get());
        this.hub.check(py)?;
        let told = Told {
            hub: Arc::downgrade(&this.hub),
            call: Mutex::new(Some((call.unbind(), slf.clone().into_any().unbind()))),
        };
        let told = Arc::new(told);
        let poll = this.poll(&Waker::from(Arc::clone(&told)));
        match poll {
            Poll::Ready(event) => match this.seen(py, event)? {
                Some(event) => Ok(vec![event]),
                None => Err(PyStopAsyncIteration::new_err(())),
            },
            Poll::Pending => {
                this.watch_told(told);
                Ok(Vec::new())
            }
        }
    }
}

impl Events {
    fn watch_told(&self, told: Arc<Told>) {
        if let Some(job) = &self.job {
            job.on_done(move || told.wake());
        }
    }
}

/// Something that a thread waits for, again and again.
#[derive(Default)]
struct Bell {
    rung: Mutex<Arc<Signal<()>>>,
}

impl Bell {
    fn reset(&self) {
        *self.rung.lock() = Arc::default();
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let rung = self.rung.lock().clone();
        rung.set(());
    }
}

/// Someone of Python's to call once.
struct Told {
    hub: Weak<Hub>,
    call: Mutex<Option<(Py<PyAny>, Py<PyAny>)>>,
}

impl Wake for Told {
    fn wake(self: Arc<Self>) {
        let call = self.call.lock().take();
        if let (Some((call, events)), Some(hub)) = (call, self.hub.upgrade()) {
            hub.notify(call, events);
        }
    }
}
