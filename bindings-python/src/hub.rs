//! One engine as the binding holds it: the engine itself, and what runs Python for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use bursar::core::{
    Accepted, Attempt, COMMAND_TASK, Clock, Ended, Engine, EngineOptions, Executor, ExecutorKind,
    Handler, Plan, Reply, Submission, Task, TaskOptions,
};
use crossbeam_queue::SegQueue;
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyList, PyString};

use crate::error::OrRaise;
use crate::function::Function;
use crate::loops::LoopLane;
use crate::processes::Processes;
use crate::task::TaskBase;
use crate::threads::Threads;
use crate::{exit, fork, notifier, python, trash};

/// Someone to tell that a job has ended: a callable, and the job to call it with.
type Notice = (Py<PyAny>, Py<PyAny>);

/// An engine and what runs Python for it.
pub(crate) struct Hub {
    pub(crate) this: Weak<Hub>,
    pub(crate) core: Engine,
    /// A number that no other engine of this process has.
    pub(crate) number: u64,
    /// Whether arguments and results travel as live objects.
    pub(crate) live: bool,
    pub(crate) threads: Arc<Threads>,
    pub(crate) loops: Arc<LoopLane>,
    processes: Option<Processes>,
    /// What runs a job at once in its submitter, for tests; no threads are started then.
    pub(crate) eager: PyOnceLock<Py<PyAny>>,
    functions: Mutex<HashMap<String, Arc<Function>>>,
    notices: SegQueue<Notice>,
    generation: u32,
}

static NUMBERS: AtomicU64 = AtomicU64::new(1);
static OPEN: AtomicU64 = AtomicU64::new(0);

/// Whether this process has no more than one engine.
pub(crate) fn only_one() -> bool {
    OPEN.load(Ordering::Relaxed) <= 1
}

impl Hub {
    /// Opens the store behind `url` and starts an engine on it.
    pub(crate) fn open(
        py: Python<'_>,
        url: Option<&str>,
        options: EngineOptions,
        clock: Option<Arc<dyn Clock>>,
        in_caller: bool,
    ) -> PyResult<Arc<Self>> {
        let (threads, loops) = (Arc::new(Threads::new()), Arc::new(LoopLane::new()));
        let builder = bursar::open_engine(url, options.clone()).or_raise(py)?;
        let processes = match in_caller {
            true => None,
            false => Processes::of(&builder, &options),
        };
        let mut builder = builder
            .executor(ExecutorKind::Thread, Arc::new(threads.lane.clone()))
            .executor(ExecutorKind::Async, Arc::new(loops.lane.clone()));
        let caller = in_caller.then(|| Arc::new(threads.lane.clone()) as Arc<dyn Executor>);
        if let Some(executor) = processes.as_ref().map(Processes::executor).or(caller) {
            builder = builder.executor(ExecutorKind::Process, executor);
        }
        if let Some(clock) = clock {
            builder = builder.clock(clock);
        }
        let functions = HashMap::from([command(py)?]);
        let core = builder.start().or_raise(py)?;
        let live = core.capabilities().live_payloads && !core.options().strict;
        OPEN.fetch_add(1, Ordering::Relaxed);
        let hub = Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            core,
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            live,
            threads,
            loops,
            processes,
            eager: PyOnceLock::new(),
            functions: Mutex::new(functions),
            notices: SegQueue::new(),
            generation: fork::generation(),
        });
        hub.threads.attach(&hub.this);
        hub.loops.attach(&hub.this);
        if hub.core.capabilities().durable {
            // Jobs that are to run in a process may be there already.
            hub.prepare_processes(py, None)?;
        }
        Ok(hub)
    }

    /// # Errors
    /// `Conflict` in a forked child.
    pub(crate) fn check(&self, py: Python<'_>) -> PyResult<()> {
        fork::check(py, self.generation)
    }

    /// Asks the engine, and looks after what that brought about.
    ///
    /// # Errors
    /// The engine's; `Conflict` in a forked child.
    pub(crate) fn ask<T: Send>(
        &self,
        py: Python<'_>,
        question: impl FnOnce(&Engine) -> Reply<T>,
    ) -> PyResult<T> {
        self.check(py)?;
        let _inside = exit::enter(py)?;
        let reply = notifier::attend(|| question(&self.core));
        let answer = match reply {
            Reply::Now(_) => reply.wait(),
            later @ Reply::Later(_) => exit::outside(py, || later.wait())?,
        };
        self.tidy(py)?;
        answer.or_raise(py)
    }

    /// Submits one call.
    pub(crate) fn submit(&self, py: Python<'_>, call: Submission) -> PyResult<Accepted> {
        let accepted = self.ask(py, |core| core.submit([call]))?;
        let first = accepted.into_iter().next();
        first.ok_or_else(|| crate::error::internal(py, "a submit was answered with nothing"))
    }

    /// What calls of `function` are settled to, which is registered first where it isn't yet.
    pub(crate) fn plan(
        &self,
        py: Python<'_>,
        function: &Arc<Function>,
        own: &TaskOptions,
        changes: &TaskOptions,
    ) -> PyResult<Arc<Plan>> {
        self.check(py)?;
        self.register(py, function, own)?.or_raise(py)?;
        let plan = self.core.plan(&function.name, changes).or_raise(py)?;
        if plan.spec().executor == ExecutorKind::Process {
            let callable = function.callable.bind(py);
            python::CHECK_ADDRESS
                .get(py)?
                .call1((callable, &function.name))?;
            self.prepare_processes(py, function.address(py)?.as_deref())?;
        }
        Ok(plan)
    }

    fn prepare_processes(&self, py: Python<'_>, address: Option<&str>) -> PyResult<()> {
        match &self.processes {
            Some(processes) => processes.prepare(py, address),
            None => Ok(()),
        }
    }

    /// The task of a function that was never declared one. Live calls carry their function along, so
    /// functions of one name share its registration; others must be found again by their name.
    ///
    /// # Errors
    /// `Invalid` where that isn't so.
    pub(crate) fn plain(&self, py: Python<'_>, callable: &Bound<'_, PyAny>) -> PyResult<TaskBase> {
        self.check(py)?;
        let function = Function::new(callable, None)?;
        let default = TaskOptions::default();
        if !self.live {
            python::IMPORTABLE
                .get(py)?
                .call1((callable, &function.name))?;
            let known = self.function(&function.name);
            let known = known.filter(|known| known.callable.is(callable));
            return Ok(TaskBase::plain(known.unwrap_or(function)));
        }
        if self.function(&function.name).is_none() {
            self.register(py, &Arc::new(function.without_callable(py)), &default)?
                .or_raise(py)?;
        }
        let executor = Some(function.kind());
        let plan = self
            .core
            .plan(
                &function.name,
                &TaskOptions {
                    executor,
                    ..default
                },
            )
            .or_raise(py)?;
        Ok(TaskBase::settled(function, self.number, plan))
    }

    /// The task that others know by this name.
    ///
    /// # Errors
    /// `NotFound` where nobody else can.
    pub(crate) fn elsewhere(&self, py: Python<'_>, name: &str) -> PyResult<TaskBase> {
        self.check(py)?;
        let plan = self.core.plan(name, &TaskOptions::default()).or_raise(py)?;
        let function = Function::elsewhere(py, name)?;
        Ok(TaskBase::settled(function, self.number, plan))
    }

    /// Makes a task known that nothing was submitted of yet. Where its name is taken, or its options
    /// don't fit, that is said when it is submitted.
    pub(crate) fn learn(&self, py: Python<'_>, task: &TaskBase) {
        // Nobody has asked for it by now.
        let _ = self.register(py, &task.function, task.own());
    }

    fn register(
        &self,
        py: Python<'_>,
        function: &Arc<Function>,
        options: &TaskOptions,
    ) -> PyResult<bursar::core::Result<()>> {
        let address = function.address(py)?;
        Ok(self.register_at(function, options, address))
    }

    fn register_at(
        &self,
        function: &Arc<Function>,
        options: &TaskOptions,
        address: Option<Arc<str>>,
    ) -> bursar::core::Result<()> {
        let mut functions = self.functions.lock();
        if functions
            .get(&function.name)
            .is_some_and(|known| Arc::ptr_eq(known, function))
        {
            return Ok(());
        }
        let handler = Handler::Host(self.number);
        let task = Task::new(&function.name, options.clone(), function.kind(), handler)?;
        self.core.register(task.at(address))?;
        functions.insert(function.name.clone(), Arc::clone(function));
        Ok(())
    }

    /// The registered function of this name.
    pub(crate) fn function(&self, name: &str) -> Option<Arc<Function>> {
        self.functions.lock().get(name).cloned()
    }

    /// Has `callable` called with `job` once what it waits for is there.
    pub(crate) fn notify(&self, callable: Py<PyAny>, job: Py<PyAny>) {
        self.notices.push((callable, job));
        notifier::poke(&self.this);
    }

    /// Starts threads and wakes loops that something waits for.
    pub(crate) fn serve(&self, py: Python<'_>) -> PyResult<()> {
        match self.eager.get(py) {
            Some(_) => self.threads.start_none(),
            None => self.threads.serve(py)?,
        }
        self.loops.serve(py)
    }

    /// Whether someone is to be told of something.
    pub(crate) fn has_notices(&self) -> bool {
        !self.notices.is_empty()
    }

    /// Who is to be told of what, as pairs of a callable and its argument.
    pub(crate) fn take_notices(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let mut notices = Vec::new();
        while let Some(pair) = self.notices.pop() {
            notices.push(pair.into_pyobject(py)?.into_any().unbind());
        }
        Ok(notices)
    }

    /// Looks after what a call into the engine has brought about.
    pub(crate) fn tidy(&self, py: Python<'_>) -> PyResult<()> {
        self.serve(py)?;
        if self.has_notices() {
            let notices = PyList::new(py, self.take_notices(py)?)?;
            python::DELIVER.get(py)?.call1((notices,))?;
        }
        trash::empty(py);
        Ok(())
    }

    /// Reports the ends of attempts.
    pub(crate) fn finish(
        &self,
        kind: ExecutorKind,
        ended: impl IntoIterator<Item = (Arc<Attempt>, Ended)>,
    ) {
        let lane = match kind {
            ExecutorKind::Async => &self.loops.lane,
            _ => &self.threads.lane,
        };
        notifier::attend(|| lane.finish(ended));
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
        // Nobody can submit to it or read it any more. Its threads go once what runs has ended.
        drop(self.core.shutdown(None));
    }
}

/// The task of programs, which every engine knows: its types are what results are read by.
fn command(py: Python<'_>) -> PyResult<(String, Arc<Function>)> {
    let name = PyString::new(py, COMMAND_TASK);
    let function = Function::new(python::COMMAND.get(py)?, Some(name.as_any()))?;
    Ok((COMMAND_TASK.to_owned(), function))
}
