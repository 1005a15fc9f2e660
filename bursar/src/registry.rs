//! The tasks that an engine knows, and their plans: settled once, found again at each submit.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use bursar_core::{Engine, Plan, Priority, Result, Task as CoreTask, TaskOptions};
use parking_lot::RwLock;

use crate::definition::Definition;

/// How many sets of changed options are remembered per task.
const VARIANTS: usize = 8;

/// A registered task with the plans that were made for it.
#[derive(Debug)]
pub(crate) struct Entry {
    base: Arc<Plan>,
    home: Home,
    /// With another priority and nothing else, the most common change.
    by_priority: [OnceLock<Arc<Plan>>; Priority::ALL.len()],
    variants: RwLock<Vec<(TaskOptions, Arc<Plan>)>>,
}

impl Entry {
    fn new(base: Arc<Plan>, home: Home) -> Self {
        Self {
            base,
            home,
            by_priority: Default::default(),
            variants: RwLock::default(),
        }
    }

    /// The name of the task.
    pub(crate) fn name(&self) -> &str {
        &self.base.spec().task
    }

    /// Whether it was registered there.
    pub(crate) fn is_of(&self, registry: &Registry) -> bool {
        Arc::ptr_eq(&self.home, &registry.home)
    }

    /// The plan with `options` over the task's own.
    ///
    /// # Errors
    /// `BudgetExceeded` where the job could never run.
    pub(crate) fn plan(&self, engine: &Engine, options: TaskOptions) -> Result<Arc<Plan>> {
        if options == TaskOptions::default() {
            return Ok(Arc::clone(&self.base));
        }
        if let Some(plan) = self.remembered(&options) {
            return Ok(plan);
        }
        let plan = engine.plan(self.name(), &options)?;
        let mut variants = self.variants.write();
        if variants.len() < VARIANTS {
            variants.push((options, Arc::clone(&plan)));
        }
        Ok(plan)
    }

    /// The plan with this priority over the task's own.
    ///
    /// # Errors
    /// Those of [`plan`](Self::plan).
    pub(crate) fn plan_with_priority(
        &self,
        engine: &Engine,
        priority: Option<Priority>,
    ) -> Result<Arc<Plan>> {
        let Some(priority) = priority else {
            return Ok(Arc::clone(&self.base));
        };
        let known = &self.by_priority[usize::from(priority.as_u8())];
        if let Some(plan) = known.get() {
            return Ok(Arc::clone(plan));
        }
        let options = TaskOptions {
            priority: Some(priority),
            ..TaskOptions::default()
        };
        let plan = engine.plan(self.name(), &options)?;
        Ok(Arc::clone(known.get_or_init(|| plan)))
    }

    fn remembered(&self, options: &TaskOptions) -> Option<Arc<Plan>> {
        let variants = self.variants.read();
        let found = variants.iter().find(|(known, _)| known == options);
        found.map(|(_, plan)| Arc::clone(plan))
    }
}

/// What tells one engine's registry from another's.
type Home = Arc<()>;

/// The tasks that an engine has met.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    home: Home,
    /// Functions with `#[bursar::task]`, by [`Definition::key`].
    functions: RwLock<HashMap<usize, Arc<Entry>>>,
}

impl Registry {
    /// The entry of `definition`, which is registered if it wasn't yet.
    ///
    /// # Errors
    /// Those of [`Engine::register`].
    pub(crate) fn entry(
        &self,
        engine: &Engine,
        definition: &'static Definition,
    ) -> Result<Arc<Entry>> {
        if let Some(entry) = self.functions.read().get(&definition.key()) {
            return Ok(Arc::clone(entry));
        }
        let task = definition.task(definition.options()?)?;
        let mut functions = self.functions.write();
        // Another thread may have been quicker.
        if let Some(entry) = functions.get(&definition.key()) {
            return Ok(Arc::clone(entry));
        }
        let entry = self.register(engine, task)?;
        functions.insert(definition.key(), Arc::clone(&entry));
        Ok(entry)
    }

    /// Registers `definition` with these options.
    ///
    /// # Errors
    /// Those of [`Engine::register`].
    pub(crate) fn add(
        &self,
        engine: &Engine,
        definition: &'static Definition,
        options: TaskOptions,
    ) -> Result<()> {
        let task = definition.task(options)?;
        let mut functions = self.functions.write();
        let entry = self.register(engine, task)?;
        functions.insert(definition.key(), entry);
        Ok(())
    }

    /// Registers a task that is no function with an attribute.
    ///
    /// # Errors
    /// Those of [`Engine::register`].
    pub(crate) fn register(&self, engine: &Engine, task: CoreTask) -> Result<Arc<Entry>> {
        let plan = engine.register(task)?;
        Ok(Arc::new(Entry::new(plan, Arc::clone(&self.home))))
    }
}
