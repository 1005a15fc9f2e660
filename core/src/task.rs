//! Tasks: registered functions with a stable name, options and a handler.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::job::ExecutorKind;
use crate::options::TaskOptions;
use crate::outcome::Ended;
use crate::payload::Payload;

/// The longest name of a task, in bytes.
const LONGEST_NAME: usize = 200;

/// A running call of an asynchronous handler.
pub type HandlerFuture = Pin<Box<dyn Future<Output = Ended> + Send>>;

/// What runs a task.
#[derive(Clone)]
pub enum Handler {
    /// An asynchronous Rust function.
    Async(Arc<dyn Fn(Payload) -> HandlerFuture + Send + Sync>),
    /// A blocking Rust function.
    Sync(Arc<dyn Fn(Payload) -> Ended + Send + Sync>),
    /// A function of the host language, known to its binding by this number.
    Host(u64),
    /// The program that the arguments name.
    Command,
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Async(_) => f.write_str("Async"),
            Self::Sync(_) => f.write_str("Sync"),
            Self::Host(number) => write!(f, "Host({number})"),
            Self::Command => f.write_str("Command"),
        }
    }
}

/// A registered function.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its stable name: what is stored with its jobs.
    pub name: Arc<str>,
    /// The options of its jobs, where a submit doesn't change them.
    pub options: TaskOptions,
    /// What runs it, where its options don't say.
    pub executor: ExecutorKind,
    /// The function.
    pub handler: Handler,
    /// Where a process of its own finds the function, in words of the host language: none where it
    /// can't.
    pub address: Option<Arc<str>>,
}

impl Task {
    /// A task.
    ///
    /// # Errors
    /// `Invalid` for a name that is empty, longer than 200 bytes, or has control characters.
    pub fn new(
        name: &str,
        options: TaskOptions,
        executor: ExecutorKind,
        handler: Handler,
    ) -> Result<Self> {
        check_name(name)?;
        Ok(Self {
            name: Arc::from(name),
            options,
            executor,
            handler,
            address: None,
        })
    }

    /// The same task, whose function a process of its own finds at `address`.
    #[must_use]
    pub fn at(mut self, address: Option<Arc<str>>) -> Self {
        self.address = address;
        self
    }

    /// What runs it.
    pub fn executor(&self) -> ExecutorKind {
        self.options.executor.unwrap_or(self.executor)
    }
}

/// # Errors
/// `Invalid` for a name that is empty, longer than 200 bytes, or has control characters.
pub(crate) fn check_name(name: &str) -> Result<()> {
    if !name.is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(char::is_control) {
        return Ok(());
    }
    let shown: String = name.chars().take(64).collect();
    Err(Error::invalid(format!(
        "{shown:?} is not a task name: a name has 1 to {LONGEST_NAME} bytes ({} given) and no control characters",
        name.len()
    )))
}
