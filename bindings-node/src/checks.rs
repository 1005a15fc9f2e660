//! Checks that need no engine.

use std::sync::Arc;
use std::time::Duration;

use bursar::core::{EngineOptions, ExecutorKind, Handler, Style, Task, TaskOptions};
use napi::bindgen_prelude::Unknown;
use napi_derive::napi;

use crate::engine::{Pairs, read};
use crate::error::{Code, Result, fault};
use crate::option::option_value;

/// Checks a task's name and options before any engine knows it.
#[napi(catch_unwind)]
pub(crate) fn check_task(name: String, options: Pairs<'_>) -> Result<()> {
    task(&name, options, 0, None).map(drop)
}

/// Checks options of a task.
#[napi(catch_unwind)]
pub(crate) fn check_options(options: Pairs<'_>) -> Result<()> {
    task_options(options).map(drop)
}

/// Reads the duration of an option named `timeout` or `delay`, in seconds.
#[napi(catch_unwind)]
pub(crate) fn duration(name: String, value: Unknown<'_>) -> Result<Option<f64>> {
    let mut options = TaskOptions::default();
    let value = option_value(value)
        .map_err(|error| napi::Error::new(Code::from(error.status), error.reason.clone()))?;
    options.set(&name, &value, Style::Camel).map_err(fault)?;
    Ok(options
        .timeout
        .or(options.delay)
        .map(|time| time.as_secs_f64()))
}

/// Reads the grace of a shutdown; zero is one too.
pub(crate) fn read_grace(value: Unknown<'_>) -> Result<Option<Duration>> {
    use bursar::core::OptionValue::{Int, Null};
    let value = option_value(value)
        .map_err(|error| napi::Error::new(Code::from(error.status), error.reason.clone()))?;
    match value {
        Null => Ok(None),
        Int(0) => Ok(Some(Duration::ZERO)),
        value => {
            let mut options = EngineOptions::default();
            options.set("grace", &value, Style::Camel).map_err(fault)?;
            Ok(Some(options.grace))
        }
    }
}

/// A task whose function JavaScript knows by `handler`, and others find in `module`.
pub(crate) fn task(
    name: &str,
    options: Pairs<'_>,
    handler: u32,
    module: Option<&str>,
) -> Result<Task> {
    let (options, handler) = (task_options(options)?, Handler::Host(u64::from(handler)));
    let task = Task::new(name, options, ExecutorKind::Async, handler).map_err(fault)?;
    Ok(task.at(module.map(Arc::from)))
}

pub(crate) fn task_options(pairs: Pairs<'_>) -> Result<TaskOptions> {
    let mut options = TaskOptions::default();
    for (name, value) in read(pairs)? {
        options.set(&name, &value, Style::Camel).map_err(fault)?;
    }
    Ok(options)
}
