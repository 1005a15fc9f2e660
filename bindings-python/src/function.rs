//! A function of the user's, as tasks and engines share it.

use std::sync::{Arc, OnceLock};

use bursar::core::{ExecutorKind, Payload};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::error::internal;
use crate::live::Call;
use crate::python;

/// A function with the name that its jobs are stored under.
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) callable: Py<PyAny>,
    pub(crate) is_async: bool,
    /// Where a process of its own finds it: a module, a colon, its name there. None where it can't.
    address: OnceLock<Option<Arc<str>>>,
    codec: PyOnceLock<Py<PyAny>>,
}

impl Function {
    /// The function `callable` under `name`, or under its own.
    ///
    /// # Errors
    /// `Invalid` where it isn't callable.
    pub(crate) fn new(
        callable: &Bound<'_, PyAny>,
        name: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Arc<Self>> {
        let py = callable.py();
        let name = match name.filter(|name| !name.is_none()) {
            Some(name) => name.clone(),
            None => python::FUNCTION_NAME.get(py)?.call1((callable,))?,
        };
        Ok(Arc::new(Self {
            name: name.extract()?,
            callable: callable.clone().unbind(),
            is_async: python::FUNCTION_KIND
                .get(py)?
                .call1((callable,))?
                .is_truthy()?,
            address: OnceLock::new(),
            codec: PyOnceLock::new(),
        }))
    }

    /// What runs the tasks of this name in another process: nothing is known of it here but that its
    /// arguments and results are JSON.
    pub(crate) fn elsewhere(py: Python<'_>, name: &str) -> PyResult<Arc<Self>> {
        let codec = PyOnceLock::new();
        let plain = python::PLAIN.get(py)?.clone().unbind();
        // It is new, and holds none yet.
        let _ = codec.set(py, plain);
        Ok(Arc::new(Self {
            name: name.to_owned(),
            callable: py.None(),
            is_async: false,
            address: OnceLock::from(None),
            codec,
        }))
    }

    /// The same, but for the callable itself, which its jobs bring along.
    pub(crate) fn without_callable(&self, py: Python<'_>) -> Self {
        Self {
            name: self.name.clone(),
            callable: py.None(),
            is_async: self.is_async,
            address: self
                .address(py)
                .map_or_else(|_| OnceLock::new(), OnceLock::from),
            codec: PyOnceLock::new(),
        }
    }

    /// Where a process of its own finds it; none where it can't.
    ///
    /// # Errors
    /// What its attributes raise.
    pub(crate) fn address(&self, py: Python<'_>) -> PyResult<Option<Arc<str>>> {
        if let Some(known) = self.address.get() {
            return Ok(known.clone());
        }
        let function = self.callable.bind(py);
        let address: Option<String> = python::FUNCTION_ADDRESS
            .get(py)?
            .call1((function,))?
            .extract()?;
        Ok(self.address.get_or_init(|| address.map(Arc::from)).clone())
    }

    /// What runs it where nobody says.
    pub(crate) fn kind(&self) -> ExecutorKind {
        if self.is_async {
            ExecutorKind::Async
        } else {
            ExecutorKind::Thread
        }
    }

    /// Checks that `executor` can run it, where one is named.
    ///
    /// # Errors
    /// `Invalid` where it can't, saying what to do.
    pub(crate) fn check_executor(
        &self,
        py: Python<'_>,
        executor: Option<ExecutorKind>,
    ) -> PyResult<()> {
        let Some(executor) = executor.filter(|executor| *executor != self.kind()) else {
            return Ok(());
        };
        let check = python::CHECK_EXECUTOR.get(py)?;
        check.call1((self.callable.bind(py), &self.name, executor.as_str()))?;
        Ok(())
    }

    /// What turns its arguments and results into JSON and back.
    pub(crate) fn codec<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyAny>> {
        let made = self.codec.get_or_try_init(py, || {
            let codec = python::CODEC.get(py)?.call1((self.callable.bind(py),))?;
            PyResult::Ok(codec.unbind())
        })?;
        Ok(made.bind(py))
    }

    /// Its arguments as JSON.
    ///
    /// # Errors
    /// `Invalid`, naming the argument that JSON can't carry.
    pub(crate) fn encode_call(
        &self,
        py: Python<'_>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Payload> {
        encode(
            &self
                .codec(py)?
                .call_method1("encode_call", (args, kwargs))?,
        )
    }

    /// Its arguments as a process of its own takes them.
    ///
    /// # Errors
    /// `Invalid`, naming the argument that can't be pickled.
    pub(crate) fn pickle_call(
        &self,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Payload> {
        let py = args.py();
        if args.is_empty() && kwargs.is_none_or(PyDictMethods::is_empty) {
            return Ok(Payload::Null);
        }
        let pickled = python::PICKLE_CALL
            .get(py)?
            .call1((self.callable.bind(py), args, kwargs))?;
        Ok(Payload::host_bytes(pickled.cast::<PyBytes>()?.as_bytes()))
    }

    /// The call that JSON describes, in a context of its own.
    ///
    /// # Errors
    /// `Invalid` where the arguments don't fit the function.
    pub(crate) fn decode_call<'py>(&self, py: Python<'py>, args: &Payload) -> PyResult<Call<'py>> {
        let text = PyBytes::new(py, args.as_json().unwrap_or(b"null"));
        let decoded = self.codec(py)?.call_method1("decode_call", (text,))?;
        let (args, kwargs): (Bound<'py, PyTuple>, Bound<'py, PyDict>) = decoded.extract()?;
        Ok(Call {
            function: self.callable.bind(py).clone(),
            args,
            kwargs: Some(kwargs),
            context: python::COPY_CONTEXT.get(py)?.call0()?,
        })
    }

    /// Its result as JSON.
    ///
    /// # Errors
    /// `Invalid` where JSON can't carry it.
    pub(crate) fn encode_result(&self, value: &Bound<'_, PyAny>) -> PyResult<Payload> {
        encode(
            &self
                .codec(value.py())?
                .call_method1("encode_result", (value,))?,
        )
    }

    /// The result that JSON describes.
    ///
    /// # Errors
    /// `Invalid` where it doesn't fit the function.
    pub(crate) fn decode_result<'py>(
        &self,
        py: Python<'py>,
        result: &Payload,
    ) -> PyResult<Bound<'py, PyAny>> {
        decode(py, self.codec(py)?, "decode_result", result)
    }
}

/// JSON that Python wrote, as a payload.
pub(crate) fn encode(text: &Bound<'_, PyAny>) -> PyResult<Payload> {
    Ok(Payload::json(text.cast::<PyBytes>()?.as_bytes()))
}

/// What `method` of `codec` makes of the JSON in a payload.
pub(crate) fn decode<'py>(
    py: Python<'py>,
    codec: &Bound<'py, PyAny>,
    method: &str,
    payload: &Payload,
) -> PyResult<Bound<'py, PyAny>> {
    let text = payload
        .as_json()
        .ok_or_else(|| internal(py, "a live object has no JSON text"))?;
    codec.call_method1(method, (PyBytes::new(py, text),))
}
