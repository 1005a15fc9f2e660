//! A task with its options settled against one engine: made once, shared by its jobs.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::amounts::Amounts;
use crate::engine::inner::Inner;
use crate::error::{Error, ErrorKind, Result};
use crate::job::Spec;
use crate::options::TaskOptions;
use crate::task::Task;

/// A task with its options settled: defaults filled in, and held against the budget.
#[derive(Debug)]
pub struct Plan {
    pub(crate) task: Arc<Task>,
    pub(crate) options: TaskOptions,
    pub(crate) spec: Arc<Spec>,
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

    /// The task.
    pub fn task(&self) -> &Arc<Task> {
        &self.task
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

    /// The registered task `name` with `options` over its own.
    ///
    /// # Errors
    /// `NotFound` for an unknown task; `BudgetExceeded` where the job could never run.
    pub(crate) fn plan(&self, name: &str, options: &TaskOptions) -> Result<Arc<Plan>> {
        let base = self.registered(name)?;
        if *options == TaskOptions::default() {
            return base.check().map(|()| base);
        }
        let options = options.over(&base.options);
        let plan = self.settle(Arc::clone(&base.task), options)?;
        plan.check()?;
        Ok(Arc::new(plan))
    }

    fn settle(&self, task: Arc<Task>, options: TaskOptions) -> Result<Plan> {
        let executor = options.executor.unwrap_or(task.executor);
        self.executor(executor)?;
        let spec = Arc::new(options.spec(&task.name, executor, &self.defaults));
        Ok(self.plan_for(task, options, spec))
    }

    /// The plan of jobs that declared `spec`.
    pub(super) fn plan_for(&self, task: Arc<Task>, options: TaskOptions, spec: Arc<Spec>) -> Plan {
        let needs = self.pool.amounts(&task.name, &spec.demand, spec.executor);
        let (amounts, refused) = match needs {
            Ok(amounts) => (amounts, None),
            Err(error) => (Amounts::zeros(0), Some(error.message().to_owned())),
        };
        Plan {
            task,
            options,
            spec,
            amounts,
            refused,
            engine: self.this.clone(),
        }
    }

    fn registered(&self, name: &str) -> Result<Arc<Plan>> {
        let tasks = self.tasks.read();
        tasks.get(name).cloned().ok_or_else(|| {
            let shown: String = name.chars().take(64).collect();
            let near = crate::options::nearest(name, tasks.keys().map(|known| &**known));
            let hint = near.map_or_else(
                || "register it with this engine first".to_owned(),
                |near| format!("did you mean {near:?}?"),
            );
            Error::not_found(format!("there is no task {shown:?}: {hint}"))
        })
    }
}
