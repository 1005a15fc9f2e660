//! The engine as Python holds it, and which one is the current one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bursar::core::{Cursor, ExecutorKind, JobFilter, JobId, List, Order, Priority, State};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::clock::ManualClock;
use crate::command::{self, Program};
use crate::current::CurrentJob;
use crate::error::{OrRaise, invalid};
use crate::events::Events;
use crate::hub::{self, Hub};
use crate::job::{self, Job};
use crate::seat::Seat;
use crate::task::TaskBase;
use crate::{info, notifier, options, python, wait};

/// The engines whose `with` blocks are entered, the innermost last.
static ENTERED: Mutex<Vec<Arc<Hub>>> = Mutex::new(Vec::new());

/// What `bursar.Engine` is made of.
#[pyclass(frozen, subclass, weakref, dict, module = "bursar._native")]
pub(crate) struct EngineBase {
    hub: Arc<Hub>,
}

/// The engine that a task submits to: that of the job it is called in, else the innermost one whose
/// `with` block is entered, else the default one.
pub(crate) fn current(py: Python<'_>) -> PyResult<Arc<Hub>> {
    let entered = ENTERED.lock().last().map(Arc::clone);
    if let Some(hub) = entered.as_ref().filter(|_| hub::only_one()) {
        // It is that of the job, too.
        return Ok(Arc::clone(hub));
    }
    if let Some(job) = CurrentJob::get(py)?
        && let Some(hub) = job.get().hub()
    {
        return Ok(hub);
    }
    if let Some(hub) = entered {
        return Ok(hub);
    }
    let made = python::DEFAULT_ENGINE.get(py)?.call0()?;
    Ok(Arc::clone(&made.cast_into::<EngineBase>()?.get().hub))
}

#[pymethods]
impl EngineBase {
    #[new]
    #[pyo3(signature = (url=None, *, clock=None, in_caller=false, **options))]
    fn new(
        py: Python<'_>,
        url: Option<&Bound<'_, PyAny>>,
        clock: Option<&Bound<'_, ManualClock>>,
        in_caller: bool,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let url = options::url(url)?;
        let empty = PyDict::new(py);
        let options = options::engine(options.unwrap_or(&empty))?;
        let clock = clock.map(|clock| clock.get().shared());
        Ok(Self {
            hub: Hub::open(py, url.as_deref(), options, clock, in_caller)?,
        })
    }

    /// Submits a call of a task, of the task of this name wherever it is known, or of any function.
    #[pyo3(signature = (function, /, *args, **kwargs))]
    fn submit(
        &self,
        function: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Job> {
        let hub = || Arc::clone(&self.hub);
        match function.cast::<TaskBase>() {
            Ok(task) => task.get().submit_to(hub(), args, kwargs),
            Err(_) => match self.declared(function)? {
                Some(task) => task.get().submit_to(hub(), args, kwargs),
                None => self.task_of(function)?.submit_to(hub(), args, kwargs),
            },
        }
    }

    /// Submits a program.
    fn _command(&self, program: Program<'_>, options: &Bound<'_, PyDict>) -> PyResult<Job> {
        command::submit(&self.hub, program, options)
    }

    /// Submits one call for each tuple of arguments, all of them or none, in one round trip.
    fn submit_many(
        &self,
        function: &Bound<'_, PyAny>,
        calls: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<Job>> {
        match function.cast::<TaskBase>() {
            Ok(task) => task.get().submit_many_to(&self.hub, calls),
            Err(_) => match self.declared(function)? {
                Some(task) => task.get().submit_many_to(&self.hub, calls),
                None => self.task_of(function)?.submit_many_to(&self.hub, calls),
            },
        }
    }

    /// The handle on the job with this id.
    fn job(&self, py: Python<'_>, id: &str) -> PyResult<Job> {
        job::find(py, &self.hub, id)
    }

    /// A page of jobs, and where the next one begins.
    #[pyo3(signature = (filter, order, limit, offset, cursor))]
    fn _list<'py>(
        &self,
        py: Python<'py>,
        filter: &Bound<'py, PyDict>,
        order: &str,
        limit: usize,
        offset: usize,
        cursor: Option<&str>,
    ) -> PyResult<(Vec<Bound<'py, PyAny>>, Option<String>)> {
        let after = cursor
            .map(str::parse::<JobId>)
            .transpose()
            .or_raise(py)?
            .map(Cursor);
        let order: Order = order.parse().or_raise(py)?;
        let filter = the_filter(filter)?;
        let listed = self.hub.ask(py, |core| {
            core.list(List {
                filter,
                order,
                limit,
                offset,
                after,
            })
        })?;
        let jobs = listed
            .jobs
            .iter()
            .map(|each| info::job(py, &self.hub, each));
        Ok((
            jobs.collect::<PyResult<_>>()?,
            listed.next.map(|Cursor(id)| id.to_string()),
        ))
    }

    /// How many jobs match.
    fn _count(&self, py: Python<'_>, filter: &Bound<'_, PyDict>) -> PyResult<u64> {
        let filter = the_filter(filter)?;
        self.hub.ask(py, |core| core.count(filter))
    }

    /// Job counts by state, and what of the budget is used.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        info::stats(py, &self.hub.ask(py, |core| core.stats())?)
    }

    /// What happens to jobs from now on.
    fn events(&self, py: Python<'_>) -> PyResult<Events> {
        self.hub.check(py)?;
        Ok(Events::of_engine(&self.hub))
    }

    /// Writes a copy of the store to a new file, while everything goes on.
    fn backup(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.hub.check(py)?;
        self.hub.ask(py, |core| core.backup(&path))
    }

    /// Lets it run what is stored for a task, though nothing was submitted to it yet. The function
    /// that has the name already keeps it.
    fn _learn(&self, py: Python<'_>, task: &TaskBase) {
        self.hub.learn(py, task);
    }

    /// Waits until every job that it accepted has ended; `False` where the time runs out before.
    #[pyo3(signature = (timeout=None))]
    fn drain(&self, py: Python<'_>, timeout: Option<&Bound<'_, PyAny>>) -> PyResult<bool> {
        self.hub.check(py)?;
        let timeout = options::patience("timeout", timeout)?;
        let drained = self.hub.core.drained();
        Ok(wait::signal(py, timeout, &drained)?.is_some())
    }

    /// Begins to shut down; with `wait`, waits until that is done.
    fn _shutdown(
        &self,
        py: Python<'_>,
        grace: Option<&Bound<'_, PyAny>>,
        wait: bool,
    ) -> PyResult<()> {
        self.hub.check(py)?;
        let grace: Option<Duration> = options::patience("grace", grace)?;
        let closed = notifier::attend(|| self.hub.core.shutdown(grace));
        self.hub.tidy(py)?;
        if wait {
            wait::signal(py, None, &closed)?;
            self.hub.tidy(py)?;
        }
        Ok(())
    }

    /// Calls `function(engine)` once every job that it accepted has ended.
    fn _when_drained(slf: &Bound<'_, Self>, function: Bound<'_, PyAny>) -> PyResult<()> {
        let hub = &slf.get().hub;
        hub.check(slf.py())?;
        Self::call_when(slf, function, &hub.core.drained())
    }

    /// Begins to shut down; calls `function(engine)` once that is done.
    fn _when_closed(
        slf: &Bound<'_, Self>,
        function: Bound<'_, PyAny>,
        grace: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let hub = &slf.get().hub;
        hub.check(slf.py())?;
        let grace = options::patience("grace", grace)?;
        let closed = notifier::attend(|| hub.core.shutdown(grace));
        Self::call_when(slf, function, &closed)
    }

    /// Whether it has begun to shut down.
    #[getter]
    fn closed(&self) -> bool {
        self.hub.core.is_closed()
    }

    /// Whether its store outlives the process.
    #[getter]
    fn durable(&self) -> bool {
        self.hub.core.capabilities().durable
    }

    /// Whether calls and results stay the objects that they are.
    #[getter]
    fn _live(&self) -> bool {
        self.hub.live
    }

    /// The part of its event loop that is Python.
    #[getter]
    fn _loops<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.hub.loops.python(py).cloned()
    }

    /// Has `run(id, is_async)` run each job that is submitted, and starts no threads: for tests.
    fn _be_eager(&self, py: Python<'_>, run: Py<PyAny>) {
        // The first stays.
        let _ = self.hub.eager.set(py, run);
    }

    /// One more place where its blocking jobs run.
    fn _seat(&self) -> Seat {
        self.hub.threads.search();
        Seat::new(Arc::downgrade(&self.hub), ExecutorKind::Thread)
    }

    /// Makes it the current engine.
    fn _enter(&self, py: Python<'_>) -> PyResult<()> {
        self.hub.check(py)?;
        ENTERED.lock().push(Arc::clone(&self.hub));
        Ok(())
    }

    /// Makes it no longer the current engine.
    fn _leave(&self) {
        let mut entered = ENTERED.lock();
        let at = entered.iter().rposition(|hub| Arc::ptr_eq(hub, &self.hub));
        let left = at.map(|at| entered.remove(at));
        drop(entered);
        drop(left);
    }
}

impl EngineBase {
    fn call_when(
        slf: &Bound<'_, Self>,
        function: Bound<'_, PyAny>,
        signal: &bursar::core::Signal<()>,
    ) -> PyResult<()> {
        let hub = &slf.get().hub;
        let (weak, engine) = (Arc::downgrade(hub), slf.clone().into_any().unbind());
        let function = function.unbind();
        notifier::attend(|| {
            signal.on_set(move || {
                if let Some(hub) = weak.upgrade() {
                    hub.notify(function, engine);
                }
            });
        });
        hub.tidy(slf.py())
    }

    /// The task that was declared with this name, unless the engine knows another one by it.
    fn declared<'py>(&self, name: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, TaskBase>>> {
        let Ok(text) = name.extract::<String>() else {
            return Ok(None);
        };
        let found = python::FIND_TASK.get(name.py())?.call1((name,))?;
        let known = self.hub.function(&text);
        let task = found.cast_into::<TaskBase>().ok();
        Ok(task.filter(|task| known.is_none_or(|known| Arc::ptr_eq(&known, &task.get().function))))
    }

    /// The task that runs `function`: a name, or any callable.
    fn task_of(&self, function: &Bound<'_, PyAny>) -> PyResult<TaskBase> {
        let py = function.py();
        if let Ok(name) = function.extract::<String>() {
            return match self.hub.function(&name) {
                Some(function) => Ok(TaskBase::plain(function)),
                None => self.hub.elsewhere(py, &name),
            };
        }
        if !function.is_callable() {
            let message = format!(
                "{} can't be submitted: expected a task, a function or the name of a task",
                options::shown(function)
            );
            return Err(invalid(py, &message));
        }
        self.hub.plain(py, function)
    }
}

fn the_filter(given: &Bound<'_, PyDict>) -> PyResult<JobFilter> {
    let py = given.py();
    let text = |name: &str| -> PyResult<Option<String>> {
        let value = given.get_item(name)?;
        value
            .filter(|value| !value.is_none())
            .map(|value| value.extract())
            .transpose()
    };
    let states: Option<Vec<String>> = given
        .get_item("states")?
        .map(|states| states.extract())
        .transpose()?;
    let states = states.unwrap_or_default();
    let priority = text("priority")?.map(|name| name.parse::<Priority>());
    let priority = priority
        .transpose()
        .map_err(|error| invalid(py, &error.to_string()))?;
    Ok(JobFilter {
        states: states
            .iter()
            .map(|state| state.parse::<State>())
            .collect::<Result<_, _>>()
            .or_raise(py)?,
        task: text("task")?.map(Into::into),
        priority,
        unique: text("unique")?.map(Into::into),
    })
}
