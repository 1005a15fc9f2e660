//! A task with its options settled against one engine: made once, shared by its jobs.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::amounts::Amounts;
use crate::command::COMMAND_TASK;
use crate::engine::inner::Inner;
use crate::error::{Error, ErrorKind, Result};
use crate::job::{ExecutorKind, Spec};
use crate::options::{TaskOptions, nearest};
use crate::sandbox::Sandbox;
use crate::task::{Handler, Task, check_name};

/// A task with its options settled: defaults filled in, and held against the budget.
#[derive(Debug)]
pub struct Plan {
    pub(crate) task: Option<Arc<Task>>,
    pub(crate) options: TaskOptions,
    pub(crate) spec: Arc<Spec>,
    /// What its attempts are kept to: where its jobs don't say, the engine does.
    pub(crate) sandbox: Sandbox,
    pub(crate) amounts: Amounts,
    /// Why the whole budget could never carry its jobs, if so.
    refused: Option<String>,
    pub(crate) engine: Weak<Inner>,
}

impl Plan {
    /// The declared part of its jobs.
    pub fn spec(&self) -> &Arc<Spec> {
        &self.spec
    }

    /// The task; none where it was not known here when the plan was made: its jobs wait for an
    /// engine that knows it.
    pub fn task(&self) -> Option<&Arc<Task>> {
        self.task.as_ref()
    }

    /// Whether its jobs could ever run: a submit refuses them with the same error where they can't.
    ///
    /// # Errors
    /// `BudgetExceeded` where the whole budget could never carry its jobs.
    pub fn check(&self) -> Result<()> {
        match &self.refused {
            None => Ok(()),
            Some(why) => Err(Error::new(ErrorKind::BudgetExceeded, why)),
        }
    }

    /// How long after its submission a job may start at the earliest.
    pub(crate) fn delay(&self) -> Option<Duration> {
        self.options.delay
    }
}

/// # Errors
/// `Invalid` for a function that is to run as a command, and the other way round.
fn check_executor(task: &Task, executor: ExecutorKind) -> Result<()> {
    let command = ExecutorKind::Command;
    match (&task.handler, executor) {
        (Handler::Command, other) if other != command => Err(Error::invalid(format!(
            "executor {:?} can't run a program: leave the option out",
            other.as_str()
        ))),
        (Handler::Async(_) | Handler::Sync(_) | Handler::Host(_), kind) if kind == command => {
            Err(Error::invalid(
                "executor \"command\" can't run a function: give the program to engine.command",
            ))
        }
        _ => Ok(()),
    }
}

impl Inner {
    /// Registers a task. Its own demand may be too much for the budget: each of its jobs may ask
    /// for less.
    ///
    /// # Errors
    /// `Conflict` where another function has its name; `Invalid` for an executor that this engine
    /// doesn't have.
    pub(crate) fn register(&self, task: Task) -> Result<Arc<Plan>> {
        let name = Arc::clone(&task.name);
        let options = task.options.clone();
        let plan = Arc::new(self.settle(Arc::new(task), options)?);
        let mut tasks = self.tasks.write();
        if tasks.contains_key(&name) {
            return Err(Error::conflict(format!(
                "a task named {name:?} is registered already: give one of them another name"
            )));
        }
        tasks.insert(Arc::clone(&name), Arc::clone(&plan));
        drop(tasks);
        self.welcome(&name);
        Ok(plan)
    }

    /// Registers the task of commands, where there is an executor of them.
    pub(super) fn know_commands(&self) -> Result<()> {
        let kind = ExecutorKind::Command;
        if self.executor(kind).is_err() {
            return Ok(());
        }
        let task = Task::new(COMMAND_TASK, TaskOptions::default(), kind, Handler::Command)?;
        self.register(task).map(drop)
    }

    /// The task `name` with `options` over its own. One that isn't registered may be known to others
    /// who share the store.
    ///
    /// # Errors
    /// `NotFound` for a task that nobody can know, `Invalid` for what can't be the name of one;
    /// `BudgetExceeded` where the job could never run.
    pub(crate) fn plan(&self, name: &str, options: &TaskOptions) -> Result<Arc<Plan>> {
        let Some(base) = self.registered(name) else {
            return self.plan_elsewhere(name, options);
        };
        let task = match &base.task {
            Some(task) if *options != TaskOptions::default() => Arc::clone(task),
            _ => return base.check().map(|()| base),
        };
        let plan = self.settle(task, options.over(&base.options))?;
        plan.check()?;
        Ok(Arc::new(plan))
    }

    /// The plan of jobs that others are to run: what it takes to carry them is theirs to say.
    fn plan_elsewhere(&self, name: &str, options: &TaskOptions) -> Result<Arc<Plan>> {
        check_name(name)?;
        if !self.follows {
            return Err(self.unknown(name));
        }
        let executor = options.executor.unwrap_or_default();
        options.check_limits(executor)?;
        if let Some(said) = options.executor {
            options.check_sandbox(said)?;
        }
        let spec = Spec {
            // Where nothing is said, what its worker says of the task holds.
            sandbox: options.sandbox.clone(),
            ..options.spec(&Arc::from(name), executor, &self.defaults)
        };
        Ok(Arc::new(self.plan_of_strange(options.clone(), spec.into())))
    }

    /// The plan of jobs that declared `spec`, of a task that isn't known here.
    pub(super) fn plan_of_strange(&self, options: TaskOptions, spec: Arc<Spec>) -> Plan {
        Plan {
            task: None,
            options,
            sandbox: self.sandbox_of(&spec),
            spec,
            amounts: Amounts::zeros(0),
            refused: None,
            engine: self.this.clone(),
        }
    }

    fn settle(&self, task: Arc<Task>, options: TaskOptions) -> Result<Plan> {
        let executor = options.executor.unwrap_or(task.executor);
        self.executor(executor)?;
        options.check_limits(executor)?;
        options.check_sandbox(executor)?;
        check_executor(&task, executor)?;
        let spec = Arc::new(options.spec(&task.name, executor, &self.defaults));
        if self.options.run {
            spec.limits.check_here()?;
        }
        Ok(self.plan_for(task, options, spec))
    }

    /// The plan of jobs that declared `spec`.
    pub(super) fn plan_for(&self, task: Arc<Task>, options: TaskOptions, spec: Arc<Spec>) -> Plan {
        let needs = self.pool.amounts(&spec, options.memory.is_none());
        let (amounts, refused) = match needs {
            Ok(amounts) => (amounts, None),
            Err(error) => (Amounts::zeros(0), Some(error.message().to_owned())),
        };
        Plan {
            task: Some(task),
            options,
            sandbox: self.sandbox_of(&spec),
            spec,
            amounts,
            refused,
            engine: self.this.clone(),
        }
    }

    fn sandbox_of(&self, spec: &Spec) -> Sandbox {
        let default = || match spec.executor.is_isolated() {
            true => self.defaults.sandbox.clone(),
            false => Sandbox::OFF,
        };
        spec.sandbox.clone().unwrap_or_else(default)
    }

    /// The registered task `name`, as it was registered.
    pub(super) fn registered(&self, name: &str) -> Option<Arc<Plan>> {
        self.tasks.read().get(name).cloned()
    }

    /// Nobody can know the task `name`.
    fn unknown(&self, name: &str) -> Error {
        let did_you_mean = self.did_you_mean(name);
        Error::not_found(format!(
            "there is no task {name:?}{did_you_mean}: no other process can run it, as a {} store is \
             this one's own; declare the task here first, or open a store that is shared, such as \
             sqlite:jobs.db",
            self.store.capabilities().name
        ))
    }

    /// Others may know the task `name`.
    pub(super) fn not_known_here(&self, name: &str) -> Error {
        let did_you_mean = self.did_you_mean(name);
        Error::not_found(format!(
            "it has no task {name:?}{did_you_mean}: the job waits for a worker that has"
        ))
    }

    /// What may have been meant by a name that isn't known here, to go on with behind it: above all the
    /// whole name of a task that was named without its module.
    fn did_you_mean(&self, name: &str) -> String {
        let tasks = self.tasks.read();
        let known = || tasks.keys().map(|known| &**known);
        let whole = known().find(|known| known.rsplit('.').next() == Some(name));
        let near = whole.or_else(|| nearest(name, known()));
        near.map_or_else(String::new, |near| format!(" (did you mean {near:?}?)"))
    }
}
