//! What Python made of a call, as the engine records it.

use std::time::Duration;

use bursar::core::{Ended, Failure};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

use crate::function::Function;
use crate::hub::Hub;
use crate::{live, options, python};

/// A call that returned `value`. `function` is known where results are encoded.
pub(crate) fn returned(hub: &Hub, function: Option<&Function>, value: &Bound<'_, PyAny>) -> Ended {
    let Some(function) = function else {
        return Ended::Returned(live::keep(value.clone()));
    };
    match function.encode_result(value) {
        Ok(result) => Ended::Returned(result),
        Err(error) => {
            let error = error.into_value(value.py()).into_bound(value.py());
            Ended::GaveUp(failure(value.py(), hub, error.as_any()))
        }
    }
}

/// A call that raised `error`.
pub(crate) fn raised(py: Python<'_>, hub: &Hub, error: &Bound<'_, PyAny>) -> Ended {
    if !error.is_instance_of::<PyException>() {
        return match python::is_a(py, error, &python::CANCELLED_ERROR) {
            true => Ended::Cancelled(said(error)),
            false => Ended::Raised(failure(py, hub, error)),
        };
    }
    if python::is_a(py, error, &python::RETRY) {
        let delay = error.getattr("delay").ok();
        return match options::patience("delay", delay.as_ref()) {
            Ok(delay) => Ended::Retry(
                delay.filter(|delay| *delay > Duration::ZERO),
                failure(py, hub, error),
            ),
            Err(wrong) => Ended::GaveUp(failure(py, hub, wrong.into_value(py).bind(py).as_any())),
        };
    }
    if python::is_a(py, error, &python::FAIL) {
        return Ended::GaveUp(failure(py, hub, error));
    }
    if python::is_a(py, error, &python::CANCEL) {
        return Ended::Cancelled(said(error));
    }
    Ended::Raised(failure(py, hub, error))
}

/// What an exception says. Where the store lives with the process, it is kept itself, and its
/// traceback is written once someone reads it.
pub(crate) fn failure(py: Python<'_>, hub: &Hub, error: &Bound<'_, PyAny>) -> Failure {
    let kind = error.get_type().qualname();
    let kind = kind.map(|name| name.to_string_lossy().into_owned());
    let mut failure = Failure::new(kind.unwrap_or_default(), said(error));
    if hub.live {
        failure.live = live::keep(error.clone());
    } else {
        failure.traceback = traceback(py, error);
    }
    failure
}

/// The traceback of an exception as text.
pub(crate) fn traceback(py: Python<'_>, error: &Bound<'_, PyAny>) -> Option<String> {
    let text = python::FORMAT
        .get(py)
        .and_then(|format| format.call1((error,)));
    text.ok()?.extract().ok()
}

/// The message of an exception.
fn said(error: &Bound<'_, PyAny>) -> String {
    let text = error.str().or_else(|_| error.repr());
    text.map_or_else(
        |_| "an exception that can't be shown".to_owned(),
        |text| text.to_string_lossy().into_owned(),
    )
}
