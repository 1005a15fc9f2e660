//! Programs as jobs, as Python asks for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bursar::core::{CommandCall, Input};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::error::OrRaise;
use crate::hub::Hub;
use crate::job::Job;
use crate::{exit, options};

/// A program with its arguments and what it is given.
#[derive(FromPyObject)]
pub(crate) struct Program<'py> {
    argv: Vec<String>,
    cwd: Option<String>,
    env: Option<BTreeMap<String, Option<String>>>,
    stdin: Option<Bound<'py, PyAny>>,
}

impl Program<'_> {
    fn call(self) -> PyResult<CommandCall> {
        let stdin = match self.stdin {
            None => Input::Nothing,
            Some(text) if text.is_instance_of::<PyString>() => Input::Text(text.extract()?),
            Some(bytes) => Input::from(bytes.extract::<Vec<u8>>()?),
        };
        Ok(CommandCall {
            argv: self.argv,
            cwd: self.cwd,
            env: self.env.unwrap_or_default(),
            stdin,
        })
    }
}

/// Submits a program to the engine `hub`.
pub(crate) fn submit(
    hub: &Arc<Hub>,
    program: Program<'_>,
    options: &Bound<'_, PyDict>,
) -> PyResult<Job> {
    let py = options.py();
    hub.check(py)?;
    let _inside = exit::enter(py)?;
    let (call, options) = (program.call()?, options::task(options)?);
    let submission = hub.core.command(&call, &options).or_raise(py)?;
    let accepted = hub.submit(py, submission)?;
    let function = hub.function(bursar::core::COMMAND_TASK);
    Ok(Job::new(Arc::clone(hub), accepted, function))
}
