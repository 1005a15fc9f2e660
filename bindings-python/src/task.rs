//! A task: a function with a stable name and options.

use std::sync::Arc;

use bursar::core::{ExecutorKind, Plan, Submission, TaskOptions};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::function::Function;
use crate::hub::Hub;
use crate::job::Job;
use crate::live::Call;
use crate::{engine, error, exit, options, python};

/// What `bursar.Task` is made of.
#[pyclass(frozen, subclass, weakref, dict, module = "bursar._native")]
pub(crate) struct TaskBase {
    pub(crate) function: Arc<Function>,
    /// The options that it was declared with.
    own: TaskOptions,
    /// What `options()` changed since.
    changes: TaskOptions,
    /// Gives the unique key of a call, from its arguments.
    unique: Option<Py<PyAny>>,
    /// The engine that it was used with last, by number, and what it is settled to there.
    bound: Mutex<Option<(u64, Arc<Plan>)>>,
}

impl TaskBase {
    pub(crate) fn plain(function: Arc<Function>) -> Self {
        Self {
            function,
            own: TaskOptions::default(),
            changes: TaskOptions::default(),
            unique: None,
            bound: Mutex::new(None),
        }
    }

    /// The task of a function that the engine with this number has settled already.
    pub(crate) fn settled(function: Arc<Function>, engine: u64, plan: Arc<Plan>) -> Self {
        Self {
            bound: Mutex::new(Some((engine, plan))),
            ..Self::plain(function)
        }
    }

    /// The options that it was declared with.
    pub(crate) fn own(&self) -> &TaskOptions {
        &self.own
    }

    fn plan(&self, py: Python<'_>, hub: &Hub) -> PyResult<Arc<Plan>> {
        if let Some((number, plan)) = &*self.bound.lock()
            && *number == hub.number
        {
            return Ok(Arc::clone(plan));
        }
        let plan = hub.plan(py, &self.function, &self.own, &self.changes)?;
        *self.bound.lock() = Some((hub.number, Arc::clone(&plan)));
        Ok(plan)
    }

    /// The call as the engine `hub` is told of it.
    pub(crate) fn call(
        &self,
        hub: &Hub,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Submission> {
        let py = args.py();
        let plan = self.plan(py, hub)?;
        let payload = if hub.live && plan.spec().executor == ExecutorKind::Process {
            self.function.pickle_call(args, kwargs)?
        } else if hub.live {
            let function = self.function.callable.bind(py).clone();
            let (args, kwargs) = (args.clone(), kwargs.cloned());
            let context = python::COPY_CONTEXT.get(py)?.call0()?;
            let call = Call {
                function,
                args,
                kwargs,
                context,
            };
            call.into_payload()
        } else {
            self.function.encode_call(py, args, kwargs)?
        };
        let mut call = Submission::new(plan, payload);
        if let Some(unique) = &self.unique {
            let key = unique.bind(py).call1((args, kwargs))?;
            call.unique = Some(options::unique(&key)?);
        }
        Ok(call)
    }

    /// Submits a call to the engine `hub`.
    pub(crate) fn submit_to(
        &self,
        hub: Arc<Hub>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Job> {
        hub.check(args.py())?;
        let _inside = exit::enter(args.py())?;
        let call = self.call(&hub, args, kwargs)?;
        let accepted = hub.submit(args.py(), call)?;
        let job = Job::new(hub, accepted, Some(Arc::clone(&self.function)));
        job.run_if_eager(args.py())?;
        Ok(job)
    }

    /// Submits calls to the engine `hub`, all of them or none.
    pub(crate) fn submit_many_to(
        &self,
        hub: &Arc<Hub>,
        calls: &Bound<'_, PyAny>,
    ) -> PyResult<Vec<Job>> {
        let py = calls.py();
        hub.check(py)?;
        let calls = calls.try_iter()?.map(|args| {
            let args = args?;
            let args = args.cast_into::<PyTuple>().map_err(|wrong| {
                let message = format!(
                    "submit_many takes tuples of arguments, such as [(1,), (2,)]; {} is none",
                    options::shown(&wrong.into_inner())
                );
                error::invalid(py, &message)
            })?;
            self.call(hub, &args, None)
        });
        let calls = calls.collect::<PyResult<Vec<_>>>()?;
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        let accepted = hub.ask(py, |core| core.submit(calls))?;
        let job = |accepted| {
            let job = Job::new(Arc::clone(hub), accepted, Some(Arc::clone(&self.function)));
            job.run_if_eager(py).map(|()| job)
        };
        accepted.into_iter().map(job).collect()
    }
}

#[pymethods]
impl TaskBase {
    /// A task of `function`; or, where that is a task, the same one with `options` over its own.
    #[new]
    #[pyo3(signature = (function, name, options, unique=None))]
    fn new(
        function: &Bound<'_, PyAny>,
        name: Option<&Bound<'_, PyAny>>,
        options: &Bound<'_, PyDict>,
        unique: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let (py, options) = (function.py(), options::task(options)?);
        let Ok(base) = function.cast::<Self>() else {
            let function = Function::new(function, name)?;
            function.check_executor(py, options.executor)?;
            return Ok(Self {
                own: options,
                unique,
                ..Self::plain(function)
            });
        };
        let base = base.get();
        base.function.check_executor(py, options.executor)?;
        let inherited = || {
            let unique = base.unique.as_ref().filter(|_| options.unique.is_none());
            unique.map(|unique| unique.clone_ref(py))
        };
        Ok(Self {
            own: base.own.clone(),
            changes: options.over(&base.changes),
            unique: unique.or_else(inherited),
            ..Self::plain(Arc::clone(&base.function))
        })
    }

    /// The name that its jobs are stored under.
    #[getter]
    fn name(&self) -> &str {
        &self.function.name
    }

    /// Whether it is an `async def`.
    #[getter]
    fn is_async(&self) -> bool {
        self.function.is_async
    }

    /// The module that processes of their own import for it, if it is declared to run in one.
    #[getter]
    fn _isolated(&self, py: Python<'_>) -> PyResult<Option<String>> {
        if self.own.executor != Some(ExecutorKind::Process) {
            return Ok(None);
        }
        let address = self.function.address(py)?;
        Ok(address.and_then(|address| Some(address.split_once(':')?.0.to_owned())))
    }

    /// Submits a call to the current engine: acknowledged on return.
    #[pyo3(signature = (*args, **kwargs))]
    fn submit(
        &self,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Job> {
        self.submit_to(engine::current(args.py())?, args, kwargs)
    }

    /// Submits one call for each tuple of arguments, all of them or none, in one round trip.
    fn submit_many(&self, calls: &Bound<'_, PyAny>) -> PyResult<Vec<Job>> {
        self.submit_many_to(&engine::current(calls.py())?, calls)
    }
}
