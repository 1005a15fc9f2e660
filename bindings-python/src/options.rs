//! Options as Python hands them over. What they mean and whether they are right is the engine's to say.

use std::time::Duration;

use bursar::core::{EngineOptions, OptionValue, Style, TaskOptions, parse_patience};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

use crate::error::{OrRaise, invalid};
use crate::python;

/// The longest part of a value that is shown in an error, in characters.
const SHOWN: usize = 120;

/// A value of Python as the engine reads it.
pub(crate) fn value(value: &Bound<'_, PyAny>) -> OptionValue {
    if value.is_none() {
        return OptionValue::Null;
    }
    number(value)
        .or_else(|| text(value))
        .or_else(|| duration(value))
        .or_else(|| mapping(value))
        .or_else(|| list(value))
        .unwrap_or_else(|| OptionValue::Other(shown(value)))
}

fn number(value: &Bound<'_, PyAny>) -> Option<OptionValue> {
    if let Ok(truth) = value.cast::<PyBool>() {
        return Some(OptionValue::Bool(truth.is_true()));
    }
    if value.is_instance_of::<PyInt>() {
        return value.extract().ok().map(OptionValue::Int);
    }
    let float = value.cast::<PyFloat>().ok()?;
    float.extract().ok().map(OptionValue::Float)
}

fn text(value: &Bound<'_, PyAny>) -> Option<OptionValue> {
    value
        .cast::<PyString>()
        .ok()?
        .extract()
        .ok()
        .map(OptionValue::Text)
}

fn duration(value: &Bound<'_, PyAny>) -> Option<OptionValue> {
    let timedelta = python::TIMEDELTA.get(value.py()).ok()?;
    if !value.is_instance(timedelta).ok()? {
        return None;
    }
    let seconds: f64 = value.call_method0("total_seconds").ok()?.extract().ok()?;
    let exact = Duration::try_from_secs_f64(seconds).ok();
    Some(exact.map_or(OptionValue::Float(seconds), OptionValue::Duration))
}

fn mapping(value: &Bound<'_, PyAny>) -> Option<OptionValue> {
    let dict = value.cast::<PyDict>().ok()?;
    let pairs = dict
        .iter()
        .map(|(name, each)| Some((name.extract().ok()?, self::value(&each))));
    pairs.collect::<Option<Vec<_>>>().map(OptionValue::Map)
}

fn list(value: &Bound<'_, PyAny>) -> Option<OptionValue> {
    if !value.is_instance_of::<PyList>() && !value.is_instance_of::<PyTuple>() {
        return None;
    }
    let each = |one: PyResult<Bound<'_, PyAny>>| one.ok().map(|one| path_or_value(&one));
    let values = value.try_iter().ok()?.map(each);
    values.collect::<Option<Vec<_>>>().map(OptionValue::List)
}

/// In a list, a path of `pathlib` stands for its text.
fn path_or_value(value: &Bound<'_, PyAny>) -> OptionValue {
    let path = || value.call_method0("__fspath__").ok()?.extract().ok();
    match self::value(value) {
        OptionValue::Other(shown) => path().map_or(OptionValue::Other(shown), OptionValue::Text),
        value => value,
    }
}

/// A value the way Python shows it, cut short.
pub(crate) fn shown(value: &Bound<'_, PyAny>) -> String {
    let repr = value.repr().map(|repr| repr.to_string_lossy().into_owned());
    let repr = repr.unwrap_or_else(|_| "a value that can't be shown".to_owned());
    repr.chars().take(SHOWN).collect()
}

fn each(
    options: &Bound<'_, PyDict>,
    mut set: impl FnMut(&str, &OptionValue) -> PyResult<()>,
) -> PyResult<()> {
    options.iter().try_for_each(|(name, given)| {
        let name = name.cast::<PyString>()?.to_string_lossy().into_owned();
        set(&name, &value(&given))
    })
}

/// The options of a task.
///
/// # Errors
/// `Invalid` for an unknown name or a value out of range.
pub(crate) fn task(options: &Bound<'_, PyDict>) -> PyResult<TaskOptions> {
    let mut read = TaskOptions::default();
    each(options, |name, given| {
        read.set(name, given, Style::Snake).or_raise(options.py())
    })?;
    Ok(read)
}

/// The options of an engine.
///
/// # Errors
/// `Invalid` for an unknown name or a value out of range.
pub(crate) fn engine(options: &Bound<'_, PyDict>) -> PyResult<EngineOptions> {
    let mut read = EngineOptions::default();
    each(options, |name, given| {
        read.set(name, given, Style::Snake).or_raise(options.py())
    })?;
    Ok(read)
}

/// A unique key, checked as the option is.
///
/// # Errors
/// `Invalid` where it isn't text of a fitting length.
pub(crate) fn unique(key: &Bound<'_, PyAny>) -> PyResult<std::sync::Arc<str>> {
    let mut read = TaskOptions::default();
    read.set("unique", &value(key), Style::Snake)
        .or_raise(key.py())?;
    read.unique
        .ok_or_else(|| invalid(key.py(), "the unique key of a job must not be None"))
}

/// How long a caller waits, as the argument `name` says: none for ever; zero not at all.
///
/// # Errors
/// `Invalid` for what is no duration, or less than zero.
pub(crate) fn patience(name: &str, given: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Duration>> {
    let Some(given) = given.filter(|given| !given.is_none()) else {
        return Ok(None);
    };
    let seconds = match value(given) {
        OptionValue::Text(text) => return read_patience(given.py(), name, &text).map(Some),
        OptionValue::Duration(duration) => return Ok(Some(duration)),
        OptionValue::Int(seconds) => seconds as f64,
        OptionValue::Float(seconds) => seconds,
        _ => f64::NAN,
    };
    if seconds >= 0.0 {
        // What doesn't fit is longer than anybody waits.
        return Ok(Duration::try_from_secs_f64(seconds).ok());
    }
    let shown = shown(given);
    let message =
        format!("{name}={shown}: expected 0 or more seconds, or a duration such as \"10s\"");
    Err(invalid(given.py(), &message))
}

fn read_patience(py: Python<'_>, name: &str, text: &str) -> PyResult<Duration> {
    parse_patience(text).map_err(|error| invalid(py, &format!("{name}: {}", error.message())))
}

/// The URL of a store.
///
/// # Errors
/// `Invalid` for what isn't text.
pub(crate) fn url(given: Option<&Bound<'_, PyAny>>) -> PyResult<Option<String>> {
    let Some(given) = given.filter(|given| !given.is_none()) else {
        return Ok(None);
    };
    if given.is_instance_of::<PyString>() {
        return given.extract().map(Some);
    }
    let hint = if given.is_instance_of::<PyDict>() {
        "; options are keyword arguments"
    } else if given.hasattr("__fspath__")? {
        "; the URL of a file is f\"sqlite:{path}\""
    } else {
        ""
    };
    let shown = shown(given);
    let message = format!("url must be text such as \"sqlite:jobs.db\": {shown} was given{hint}");
    Err(invalid(given.py(), &message))
}
