//! The engine's errors as Python's exceptions.

use bursar::core::Error;
use pyo3::prelude::*;

use crate::python;

/// Turns results of the engine into results for Python.
pub(crate) trait OrRaise<T> {
    /// The value, or the exception of the error's kind.
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for Result<T, Error> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| python::error(py, error.kind().as_str(), error.message()))
    }
}

/// A wrong request.
pub(crate) fn invalid(py: Python<'_>, message: &str) -> PyErr {
    python::error(py, "Invalid", message)
}

/// A fault of our own.
pub(crate) fn internal(py: Python<'_>, message: &str) -> PyErr {
    python::error(py, "Internal", message)
}
