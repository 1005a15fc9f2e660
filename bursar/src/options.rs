//! The options of a task or of one submit, as setters that never fail: the first wrong value is
//! kept, and reported where the options are used.

use bursar_core::{Error, OptionValue, Priority, Result, Style, TaskOptions};

use crate::values::PriorityValue;

/// Options that were set, and the first that was wrong. A call is moved several times on its way,
/// and most set nothing or a priority, so the rest is boxed.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    priority: Option<Priority>,
    rest: Option<Box<Rest>>,
}

#[derive(Debug, Default)]
struct Rest {
    options: TaskOptions,
    error: Option<Error>,
}

impl Changes {
    pub(crate) fn set(&mut self, name: &str, value: &OptionValue) {
        let set = self.options().set(name, value, Style::Snake);
        self.note(set);
    }

    /// The options other than the priority.
    pub(crate) fn options(&mut self) -> &mut TaskOptions {
        &mut self.rest.get_or_insert_default().options
    }

    pub(crate) fn set_priority(&mut self, value: PriorityValue) {
        match value.resolve() {
            Ok(priority) => self.priority = Some(priority),
            Err(error) => self.note(Err(error)),
        }
    }

    /// Keeps the first error.
    pub(crate) fn note(&mut self, result: Result<()>) {
        if let Err(error) = result {
            self.rest.get_or_insert_default().error.get_or_insert(error);
        }
    }

    /// The priority, where nothing else was set.
    pub(crate) fn only_priority(&self) -> Option<Option<Priority>> {
        self.rest.is_none().then_some(self.priority)
    }

    /// # Errors
    /// The first error that was kept.
    pub(crate) fn check(self) -> Result<TaskOptions> {
        let rest = self.rest.unwrap_or_default();
        let options = TaskOptions {
            priority: self.priority,
            ..rest.options
        };
        rest.error.map_or(Ok(options), Err)
    }
}

/// Names with amounts, as the core reads them.
pub(crate) fn token_map<N: Into<String>>(
    tokens: impl IntoIterator<Item = (N, u32)>,
) -> OptionValue {
    let pair = |(name, amount): (N, u32)| (name.into(), OptionValue::Int(amount.into()));
    OptionValue::Map(tokens.into_iter().map(pair).collect())
}

/// The setters of every type with a `changes(&mut self) -> &mut Changes`.
macro_rules! task_options {
    ($(#[$doc:meta])* impl [$($generics:tt)*] $type:ty) => {
        $(#[$doc])*
        impl<$($generics)*> $type {
            /// Which jobs go first; default `normal`.
            pub fn priority(mut self, priority: impl Into<$crate::values::PriorityValue>) -> Self {
                self.changes().set_priority(priority.into());
                self
            }

            /// The memory to reserve; default: the engine's `default_memory`.
            pub fn memory(mut self, size: impl Into<$crate::values::SizeValue>) -> Self {
                self.changes().set("memory", &size.into().0);
                self
            }

            /// The part of the processors to reserve; default none.
            pub fn cpu(mut self, cores: impl Into<$crate::values::CpuValue>) -> Self {
                self.changes().set("cpu", &cores.into().0);
                self
            }

            /// The named tokens to reserve, such as `[("gpu", 1)]`; default none.
            pub fn tokens<N: Into<String>>(mut self, tokens: impl IntoIterator<Item = (N, u32)>) -> Self {
                self.changes().set("tokens", &$crate::options::token_map(tokens));
                self
            }

            /// The longest that one attempt may run; default: the engine's `default_timeout`.
            pub fn timeout(mut self, timeout: impl Into<$crate::values::DurationValue>) -> Self {
                self.changes().set("timeout", &timeout.into().0);
                self
            }

            /// Attempts after the first; default 0.
            pub fn retries(mut self, retries: u32) -> Self {
                self.changes().options().retries = Some(retries);
                self
            }

            /// The delay before the first retry; default 1 s.
            pub fn retry_delay(mut self, delay: impl Into<$crate::values::DurationValue>) -> Self {
                self.changes().set("retry_delay", &delay.into().0);
                self
            }

            /// How the delay grows from retry to retry; default exponential.
            pub fn backoff(mut self, backoff: impl Into<$crate::values::BackoffValue>) -> Self {
                self.changes().set("backoff", &backoff.into().0);
                self
            }

            /// How long after its submission the job may still start, before it is cancelled;
            /// default: for ever.
            pub fn expires(mut self, after: impl Into<$crate::values::DurationValue>) -> Self {
                self.changes().set("expires", &after.into().0);
                self
            }

            /// How long the result is kept; default 1 h in memory, 7 days on disk.
            pub fn result_ttl(mut self, ttl: impl Into<$crate::values::DurationValue>) -> Self {
                self.changes().set("result_ttl", &ttl.into().0);
                self
            }

            /// How long after its submission the job may start at the earliest; default: at once.
            pub fn delay(mut self, delay: impl Into<$crate::values::DurationValue>) -> Self {
                self.changes().set("delay", &delay.into().0);
                self
            }

            /// The key that only one unfinished job may have: while one has it, a submit returns
            /// that job. Default none.
            pub fn unique(mut self, key: impl Into<String>) -> Self {
                self.changes().set("unique", &bursar_core::OptionValue::Text(key.into()));
                self
            }
        }
    };
}

pub(crate) use task_options;
