//! Tasks that are registered: functions with an attribute, and closures.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use bursar_core::{ExecutorKind, Handler, Result, Task as CoreTask};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::arguments::Collect;
use crate::call::{Call, Target};
use crate::definition::Definition;
use crate::engine::Engine;
use crate::handler::{asynchronous_closure, blocking_closure};
use crate::options::{Changes, task_options};
use crate::output::TaskOutput;
use crate::registry::Entry;
use crate::submit::Submit;

/// A function with `#[bursar::task]`, to register with an engine: what `function::task()` makes.
/// An engine registers a function by itself when it is first submitted there; an engine that runs
/// what others submit must know its tasks beforehand.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> bursar::Result<()> {
/// #[bursar::task(memory = "64MB")]
/// fn resize(path: String) -> String {
///     path
/// }
///
/// // On this machine it needs more.
/// let engine = bursar::Engine::open("memory:").task(resize::task().memory("128MB")).start().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a task does nothing until it is registered with an engine"]
pub struct Task {
    definition: &'static Definition,
    changes: Changes,
}

impl Task {
    #[doc(hidden)]
    pub fn of(definition: &'static Definition) -> Self {
        Self {
            definition,
            changes: Changes::default(),
        }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.definition.name
    }

    fn changes(&mut self) -> &mut Changes {
        &mut self.changes
    }

    /// # Errors
    /// `Invalid` for a wrong option; those of the core's `Engine::register`.
    pub(crate) fn register(self, engine: &Engine) -> Result<()> {
        let options = self.changes.check()?.over(&self.definition.options()?);
        let shared = engine.shared();
        shared.registry.add(&shared.core, self.definition, options)
    }
}

task_options! {
    /// Options over those of the attribute.
    impl [] Task
}

/// A closure on its way into an engine; see [`Engine::task`].
#[derive(Debug)]
#[must_use = "nothing is registered until `run` or `run_blocking`"]
pub struct TaskBuilder {
    engine: Engine,
    name: String,
    changes: Changes,
}

impl TaskBuilder {
    pub(crate) fn new(engine: Engine, name: String) -> Self {
        Self {
            engine,
            name,
            changes: Changes::default(),
        }
    }

    fn changes(&mut self) -> &mut Changes {
        &mut self.changes
    }

    /// Registers an asynchronous closure. Its one parameter is what the job is given (a tuple or a
    /// struct for several things, `()` for nothing).
    ///
    /// # Errors
    /// `Conflict` for a name that is taken; `Invalid` for a wrong name or option.
    pub fn run<A, F, R>(
        self,
        closure: F,
    ) -> Result<TaskHandle<A, <R::Output as TaskOutput>::Output>>
    where
        A: Serialize + DeserializeOwned + 'static,
        F: Fn(A) -> R + Send + Sync + 'static,
        R: Future<Output: TaskOutput> + Send + 'static,
    {
        self.register(ExecutorKind::Async, asynchronous_closure(closure))
    }

    /// Registers a blocking closure, which runs on a thread.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_blocking<A, F, O>(self, closure: F) -> Result<TaskHandle<A, O::Output>>
    where
        A: Serialize + DeserializeOwned + 'static,
        F: Fn(A) -> O + Send + Sync + 'static,
        O: TaskOutput,
    {
        self.register(ExecutorKind::Thread, blocking_closure(closure))
    }

    fn register<A, T>(self, executor: ExecutorKind, handler: Handler) -> Result<TaskHandle<A, T>> {
        let task = CoreTask::new(&self.name, self.changes.check()?, executor, handler)?;
        let shared = self.engine.shared();
        let entry = shared.registry.register(&shared.core, task)?;
        Ok(TaskHandle {
            engine: self.engine,
            entry,
            types: PhantomData,
        })
    }
}

task_options! {
    /// Options of its jobs, where a submit doesn't change them.
    impl [] TaskBuilder
}

/// A registered closure that takes an `A` and gives a `T`.
#[derive(Debug)]
pub struct TaskHandle<A, T> {
    engine: Engine,
    entry: Arc<Entry>,
    types: PhantomData<fn(A) -> T>,
}

impl<A, T> Clone for TaskHandle<A, T> {
    fn clone(&self) -> Self {
        Self {
            engine: self.engine.clone(),
            entry: Arc::clone(&self.entry),
            types: PhantomData,
        }
    }
}

impl<A: Serialize, T> TaskHandle<A, T> {
    /// Its name.
    pub fn name(&self) -> &str {
        self.entry.name()
    }

    /// A call with `args`: await it to submit it to the engine that the closure is registered
    /// with, or hand it to [`Engine::submit_many`].
    pub fn call(&self, args: A) -> Submit<T> {
        let nothing = size_of::<A>() == 0 && serde_json::to_writer(std::io::sink(), &args).is_ok();
        let collected = if nothing {
            Collect::new()
        } else {
            Collect::new().with("args", &args)
        };
        let call = Call::new(
            Target::Closure(Arc::clone(&self.entry)),
            collected.payload(),
        );
        Submit::new(self.engine.clone(), call)
    }
}
