//! A call of a task, before it is submitted.

use std::marker::PhantomData;
use std::sync::Arc;

use bursar_core::{Error, Payload, Result};
use serde::Serialize;

use crate::arguments::Collect;
use crate::definition::Definition;
use crate::json;
use crate::options::{Changes, task_options};
use crate::registry::Entry;

/// Which task is called.
#[derive(Debug)]
pub(crate) enum Target {
    /// A function with `#[bursar::task]`: registered when it is first submitted.
    Function(&'static Definition),
    /// A closure that was registered.
    Closure(Arc<Entry>),
    /// Whatever is registered under this name.
    Name(String),
}

impl Target {
    /// The name of the task.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Function(definition) => definition.name,
            Self::Closure(entry) => entry.name(),
            Self::Name(name) => name,
        }
    }
}

/// A call of a task that gives a `T`: its arguments, and options over those of the task. Nothing
/// happens before it is submitted with [`Engine::submit`](crate::Engine::submit) or
/// [`Engine::submit_many`](crate::Engine::submit_many), which also report a wrong option.
#[derive(Debug)]
#[must_use = "a call does nothing until it is submitted"]
pub struct Call<T> {
    pub(crate) target: Target,
    pub(crate) args: Payload,
    pub(crate) changes: Changes,
    output: PhantomData<fn() -> T>,
}

impl<T> Call<T> {
    pub(crate) fn new(target: Target, args: Result<Payload>) -> Self {
        let mut changes = Changes::default();
        let args = args.unwrap_or_else(|error| {
            changes.note(Err(error));
            Payload::Null
        });
        Self {
            target,
            args,
            changes,
            output: PhantomData,
        }
    }

    /// A call of a function with `#[bursar::task]`: what `function::call` makes.
    #[doc(hidden)]
    pub fn of(definition: &'static Definition, args: Collect) -> Self {
        Self::new(Target::Function(definition), args.payload())
    }

    /// A call by name: of a task that is registered elsewhere, or in another language. `args` is
    /// a tuple, or anything else that is an array in JSON; `()` for none.
    ///
    /// On a store that processes share, such as `sqlite:jobs.db`, the engine that it is submitted to
    /// need not know the task: the job has the options of this call, else the defaults, and waits
    /// for a worker that does ([`Job::why`](crate::Job::why) says so). Where it is registered in that
    /// engine, its options apply. In memory it must be: a job of an unknown task is refused there as
    /// `NotFound`.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// # let folder = std::env::temp_dir().join(format!("bursar-call-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let url = format!("sqlite:{}", folder.join("jobs.db").display());
    /// # let url = url.as_str();
    /// use bursar::{Call, Engine, Priority};
    ///
    /// // One program, `url` is such as "sqlite:jobs.db": it knows no task.
    /// let client = Engine::open(url).run(false).start().await?;
    /// let call = Call::<u32>::named("double", (21,)).priority(Priority::High);
    /// let job = client.submit(call).await?;
    ///
    /// // Another one, in whatever language.
    /// let worker = Engine::open(url).start().await?;
    /// worker.task("double").run(|n: u32| async move { n * 2 })?;
    ///
    /// assert_eq!(job.result().await?, 42);
    /// # worker.shutdown().await?;
    /// # client.shutdown().await?;
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn named(task: impl Into<String>, args: impl Serialize) -> Self {
        Self::new(Target::Name(task.into()), array(&args))
    }

    fn changes(&mut self) -> &mut Changes {
        &mut self.changes
    }
}

task_options! {
    /// Options of this one job, over those of its task.
    impl [T] Call<T>
}

/// The arguments of a call by name.
///
/// # Errors
/// `Invalid` for what is no array.
fn array(args: &impl Serialize) -> Result<Payload> {
    let payload = json::encode("the arguments", args)?;
    let fits = matches!(payload, Payload::Null)
        || payload.as_json().is_some_and(|json| json.starts_with(b"["));
    fits.then_some(payload).ok_or_else(|| {
        Error::invalid(
            "the arguments of a call by name are a tuple, such as (\"a.png\", 100), or () for none",
        )
    })
}
