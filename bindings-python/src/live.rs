//! Live Python objects as the engine's payloads.

use std::sync::Arc;

use bursar::core::Payload;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::{python, trash};

/// A call as it was made.
pub(crate) struct Call<'py> {
    /// The function itself.
    pub(crate) function: Bound<'py, PyAny>,
    pub(crate) args: Bound<'py, PyTuple>,
    pub(crate) kwargs: Option<Bound<'py, PyDict>>,
    /// The `contextvars.Context` to call it in.
    pub(crate) context: Bound<'py, PyAny>,
}

/// A [`Call`] on its way through the engine: function, arguments, keyword arguments, context.
struct LiveCall(trash::Trash);

/// A value on its way through the engine: a result, an exception or a checkpoint.
struct LiveValue(Option<Py<PyAny>>);

impl Drop for LiveCall {
    fn drop(&mut self) {
        trash::put(std::mem::take(&mut self.0));
    }
}

impl Drop for LiveValue {
    fn drop(&mut self) {
        trash::put([self.0.take(), None, None, None]);
    }
}

impl<'py> Call<'py> {
    /// The call as a payload.
    pub(crate) fn into_payload(self) -> Payload {
        let kwargs = self.kwargs.map(|kwargs| kwargs.into_any().unbind());
        Payload::Live(Arc::new(LiveCall([
            Some(self.function.unbind()),
            Some(self.args.into_any().unbind()),
            kwargs,
            Some(self.context.unbind()),
        ])))
    }

    /// The call of `function` that was pickled for a process of its own.
    pub(crate) fn unpickled(
        py: Python<'py>,
        function: &Py<PyAny>,
        pickled: &[u8],
    ) -> PyResult<Self> {
        let (args, kwargs): (Bound<'py, PyTuple>, Bound<'py, PyDict>) =
            unpickled(py, pickled)?.extract()?;
        Ok(Self {
            function: function.bind(py).clone(),
            args,
            kwargs: Some(kwargs),
            context: python::COPY_CONTEXT.get(py)?.call0()?,
        })
    }

    /// The call in a payload, if there is one.
    pub(crate) fn from_payload(py: Python<'py>, payload: &Payload) -> Option<Self> {
        let live = payload.as_live::<LiveCall>()?;
        let [function, args, kwargs, context] = &live.0;
        let kwargs = kwargs.as_ref().map(|kwargs| kwargs.bind(py).clone());
        Some(Self {
            function: function.as_ref()?.bind(py).clone(),
            args: args.as_ref()?.bind(py).cast::<PyTuple>().ok()?.clone(),
            kwargs: kwargs.and_then(|kwargs| kwargs.cast_into().ok()),
            context: context.as_ref()?.bind(py).clone(),
        })
    }
}

/// A value as a payload.
pub(crate) fn keep(value: Bound<'_, PyAny>) -> Payload {
    if value.is_none() {
        Payload::Null
    } else {
        Payload::Live(Arc::new(LiveValue(Some(value.unbind()))))
    }
}

/// The value in a payload; `None` where it is JSON.
///
/// # Errors
/// What reading it back raises, where it comes from a process of its own.
pub(crate) fn value<'py>(
    py: Python<'py>,
    payload: &Payload,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    if let Payload::Null = payload {
        return Ok(Some(py.None().into_bound(py)));
    }
    if let Some(pickled) = payload.as_host_bytes() {
        return unpickled(py, pickled).map(Some);
    }
    let live = payload.as_live::<LiveValue>();
    Ok(live.and_then(|live| live.0.as_ref().map(|value| value.bind(py).clone())))
}

/// What this engine, or a process that it has started, has pickled.
pub(crate) fn unpickled<'py>(py: Python<'py>, pickled: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    python::UNPICKLE
        .get(py)?
        .call1((PyBytes::new(py, pickled),))
}
