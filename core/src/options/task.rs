//! The options of a task, and those that one submit changes.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::demand::Demand;
use crate::error::{Error, Result};
use crate::job::{ExecutorKind, Spec};
use crate::limits::Limits;
use crate::options::{LimitOptions, OptionValue, Style, sandbox};
use crate::priority::Priority;
use crate::retry::{Backoff, RetryPolicy};
use crate::sandbox::{Sandbox, SandboxLevel};

/// What a task, or one submit, may set. What is `None` comes from the task, then the engine,
/// then the default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskOptions {
    /// Which jobs go first; default `normal`.
    pub priority: Option<Priority>,
    /// Memory in bytes; default: the engine's `default_memory`.
    pub memory: Option<u64>,
    /// Thousandths of a core; default 0.
    pub cpu: Option<u64>,
    /// Named tokens; default none.
    pub tokens: Option<Vec<(Arc<str>, u64)>>,
    /// What its attempts may use; default: what is reserved. For executors that run each attempt in
    /// processes of its own.
    pub limits: Option<LimitOptions>,
    /// What its attempts are kept to, where they run in processes of their own; default: the engine's
    /// `default_sandbox`.
    pub sandbox: Option<Sandbox>,
    /// The longest that one attempt may run; default: the engine's `default_timeout`.
    pub timeout: Option<Duration>,
    /// Attempts after the first; default 0.
    pub retries: Option<u32>,
    /// The delay before the first retry; default 1 s.
    pub retry_delay: Option<Duration>,
    /// How the delay grows; default `exponential`.
    pub backoff: Option<Backoff>,
    /// What runs it; default: by the kind of function.
    pub executor: Option<ExecutorKind>,
    /// How long after its submission it may still start; default: for ever.
    pub expires: Option<Duration>,
    /// How long its result is kept; default: as the store does.
    pub result_ttl: Option<Duration>,
    /// How long after its submission it may start at the earliest; default: at once.
    pub delay: Option<Duration>,
    /// The key that only one unfinished job may have; default none.
    pub unique: Option<Arc<str>>,
}

/// What an engine gives to tasks that say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// Memory in bytes of a job that doesn't say; 0 where the engine's memory isn't limited.
    pub memory: u64,
    /// The timeout of a job that doesn't say.
    pub timeout: Option<Duration>,
    /// The sandbox of a job that doesn't say and runs in processes of its own.
    pub sandbox: Sandbox,
}

impl TaskOptions {
    /// The names of the options, in snake case.
    pub const NAMES: [&'static str; 15] = [
        "priority",
        "memory",
        "cpu",
        "tokens",
        "limits",
        "sandbox",
        "timeout",
        "retries",
        "retry_delay",
        "backoff",
        "executor",
        "expires",
        "result_ttl",
        "delay",
        "unique",
    ];

    /// Sets the option `name`, spelled in `style`.
    ///
    /// # Errors
    /// `Invalid` for an unknown name or a value out of range; the message shows both.
    pub fn set(&mut self, name: &str, value: &OptionValue, style: Style) -> Result<()> {
        let known = style.resolve(name, &Self::NAMES)?;
        if *value == OptionValue::Null {
            return Ok(());
        }
        match known {
            "priority" => self.priority = Some(value.choice(name)?),
            "memory" => self.memory = Some(value.size(name)?),
            "cpu" => self.cpu = Some(value.milli_cpus(name)?),
            "tokens" => self.tokens = Some(value.tokens(name)?),
            "limits" => self.limits = Some(LimitOptions::read(name, value, style)?),
            "sandbox" => self.sandbox = Some(sandbox::read(name, value, style)?),
            "timeout" => self.timeout = Some(value.duration(name)?),
            "retries" => self.retries = Some(value.count(name, 0)?),
            "retry_delay" => self.retry_delay = Some(value.duration(name)?),
            "backoff" => self.backoff = Some(value.choice(name)?),
            "executor" => self.executor = Some(value.choice(name)?),
            "expires" => self.expires = Some(value.duration(name)?),
            "result_ttl" => self.result_ttl = Some(value.duration(name)?),
            "delay" => self.delay = Some(value.duration(name)?),
            _ => self.unique = Some(Arc::from(value.text(name)?)),
        }
        Ok(())
    }

    /// These options where they are set, `base`'s elsewhere.
    #[must_use]
    pub fn over(&self, base: &Self) -> Self {
        let (own, base) = (self.clone(), base.clone());
        Self {
            priority: own.priority.or(base.priority),
            memory: own.memory.or(base.memory),
            cpu: own.cpu.or(base.cpu),
            tokens: own.tokens.or(base.tokens),
            limits: match (own.limits, base.limits) {
                (Some(own), Some(base)) => Some(own.over(&base)),
                (own, base) => own.or(base),
            },
            sandbox: own.sandbox.or(base.sandbox),
            timeout: own.timeout.or(base.timeout),
            retries: own.retries.or(base.retries),
            retry_delay: own.retry_delay.or(base.retry_delay),
            backoff: own.backoff.or(base.backoff),
            executor: own.executor.or(base.executor),
            expires: own.expires.or(base.expires),
            result_ttl: own.result_ttl.or(base.result_ttl),
            delay: own.delay.or(base.delay),
            unique: own.unique.or(base.unique),
        }
    }

    /// Whether `executor` can do what these options ask of it.
    ///
    /// # Errors
    /// `Invalid` for limits where it can't enforce them.
    pub(crate) fn check_limits(&self, executor: ExecutorKind) -> Result<()> {
        let asked = self.limits.and_then(|limits| limits.asked());
        let Some(name) = asked.filter(|_| !executor.is_isolated()) else {
            return Ok(());
        };
        Err(Error::invalid(format!(
            "limits: executor {executor} can't enforce {name}, as its jobs share one process: use an \
             executor that gives each job a process of its own; memory and cpu outside of limits are \
             reserved in any case"
        )))
    }

    /// Whether `executor` can keep its jobs to the sandbox that these options ask for.
    ///
    /// # Errors
    /// `Invalid` for one that can't be had with it, or on this system.
    pub(crate) fn check_sandbox(&self, executor: ExecutorKind) -> Result<()> {
        let Some(sandbox) = self.sandbox.as_ref().filter(|sandbox| !sandbox.is_off()) else {
            return Ok(());
        };
        sandbox.check()?;
        if !executor.is_isolated() {
            return Err(Error::invalid(format!(
                "sandbox={}: executor {executor} can't keep its jobs to one, as they share a process with \
                 this program: use executor process, or a command",
                sandbox.level
            )));
        }
        if sandbox.level == SandboxLevel::Required && !cfg!(target_os = "linux") {
            return Err(Error::invalid(format!(
                "sandbox=required can't be had on {}: it needs Linux 6.12; best_effort runs without",
                std::env::consts::OS
            )));
        }
        Ok(())
    }

    /// The declared part of a job of `task` with these options.
    pub fn spec(&self, task: &Arc<str>, executor: ExecutorKind, defaults: &Defaults) -> Spec {
        let retry = RetryPolicy::default();
        let demand = Demand {
            memory: self.memory.unwrap_or(defaults.memory),
            cpu: self.cpu.unwrap_or(0),
            tokens: self.tokens.clone().unwrap_or_default(),
        };
        let limits = if executor.is_isolated() {
            self.limits.unwrap_or_default().of(&demand)
        } else {
            Limits::NONE
        };
        Spec {
            task: Arc::clone(task),
            sandbox: self.sandbox.clone().filter(|_| executor.is_isolated()),
            priority: self.priority.unwrap_or_default(),
            demand,
            limits,
            executor,
            retry: RetryPolicy {
                retries: self.retries.unwrap_or(retry.retries),
                delay: self.retry_delay.unwrap_or(retry.delay),
                backoff: self.backoff.unwrap_or(retry.backoff),
            },
            timeout: self.timeout.or(defaults.timeout),
            expires: self.expires,
            result_ttl: self.result_ttl,
        }
    }
}

impl FromStr for Backoff {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "exponential" => Ok(Self::Exponential),
            "fixed" => Ok(Self::Fixed),
            _ => Err(Error::invalid(format!(
                "unknown backoff {text:?}: use exponential or fixed"
            ))),
        }
    }
}

impl FromStr for ExecutorKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| {
                Error::invalid(format!(
                    "unknown executor {text:?}: use async, thread, process or command"
                ))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, value: OptionValue) -> Result<TaskOptions> {
        let mut options = TaskOptions::default();
        options.set(name, &value, Style::Snake).map(|()| options)
    }

    #[test]
    fn every_name_is_settable_and_null_means_not_given() {
        for name in TaskOptions::NAMES {
            assert_eq!(
                set(name, OptionValue::Null).unwrap(),
                TaskOptions::default()
            );
            assert!(
                set(name, OptionValue::Other("<object>".into())).is_err(),
                "{name}"
            );
        }
    }

    #[test]
    fn bad_values_show_name_and_value() {
        let cases = [
            ("memory", OptionValue::Text("64QB".into()), "64QB"),
            ("memory", OptionValue::Int(-1), "-1"),
            ("memory", OptionValue::Float(f64::NAN), "NaN"),
            ("memory", OptionValue::Text("1e30 GB".into()), "1e30 GB"),
            ("priority", OptionValue::Text("urgent".into()), "urgent"),
            ("timeout", OptionValue::Int(0), "0"),
            ("retries", OptionValue::Float(1.5), "1.5"),
            ("retries", OptionValue::Int(1 << 40), "1099511627776"),
            (
                "tokens",
                OptionValue::Map(vec![("gpu".into(), OptionValue::Int(-2))]),
                "tokens.gpu=-2",
            ),
        ];
        for (name, value, shown) in cases {
            let error = set(name, value).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(shown), "{error}");
        }
    }

    #[test]
    fn a_submit_changes_what_its_task_says() {
        let task = TaskOptions {
            retries: Some(3),
            memory: Some(64),
            ..TaskOptions::default()
        };
        let submit = TaskOptions {
            memory: Some(8),
            ..TaskOptions::default()
        };
        let both = submit.over(&task);
        assert_eq!((both.retries, both.memory), (Some(3), Some(8)));
    }
}
