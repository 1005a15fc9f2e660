//! What the native half uses of Python: looked up once, then kept.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

/// An attribute of a module that is looked up once.
pub(crate) struct Imported {
    module: &'static str,
    name: &'static str,
    cell: PyOnceLock<Py<PyAny>>,
}

impl Imported {
    const fn new(module: &'static str, name: &'static str) -> Self {
        Self {
            module,
            name,
            cell: PyOnceLock::new(),
        }
    }

    /// The attribute.
    ///
    /// # Errors
    /// Where it can't be imported.
    pub(crate) fn get<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyAny>> {
        self.cell.import(py, self.module, self.name)
    }
}

pub(crate) static COPY_CONTEXT: Imported = Imported::new("contextvars", "copy_context");
pub(crate) static SET_CURRENT: Imported = Imported::new("bursar._current", "set_current");
pub(crate) static GET_CURRENT: Imported = Imported::new("bursar._current", "get_current");
pub(crate) static DEFAULT_ENGINE: Imported = Imported::new("bursar._engine", "default_engine");
pub(crate) static FIND_TASK: Imported = Imported::new("bursar._defined", "find");
pub(crate) static START_THREAD: Imported = Imported::new("bursar._threads", "start");
pub(crate) static SERVE_LOOP: Imported = Imported::new("bursar._loops", "Loops");
pub(crate) static AWAIT_JOB: Imported = Imported::new("bursar._loops", "wait_for_job");
pub(crate) static DELIVER: Imported = Imported::new("bursar._notices", "deliver");
pub(crate) static FUNCTION_KIND: Imported = Imported::new("bursar._functions", "is_async");
pub(crate) static FUNCTION_NAME: Imported = Imported::new("bursar._functions", "name_of");
pub(crate) static CHECK_EXECUTOR: Imported = Imported::new("bursar._functions", "check_executor");
pub(crate) static IMPORTABLE: Imported = Imported::new("bursar._functions", "check_importable");
pub(crate) static FUNCTION_ADDRESS: Imported = Imported::new("bursar._functions", "address_of");
pub(crate) static CHECK_ADDRESS: Imported = Imported::new("bursar._functions", "check_address");
#[cfg(target_os = "linux")]
pub(crate) static TEMPLATE: Imported = Imported::new("bursar._processes", "template");
pub(crate) static PICKLE_CALL: Imported = Imported::new("bursar._processes", "pickle_call");
pub(crate) static UNPICKLE: Imported = Imported::new("pickle", "loads");
pub(crate) static CODEC: Imported = Imported::new("bursar._codec", "Codec");
pub(crate) static PLAIN: Imported = Imported::new("bursar._codec", "PLAIN");
pub(crate) static JOB_FAILURE: Imported = Imported::new("bursar._errors", "failure");
pub(crate) static FORMAT: Imported = Imported::new("bursar._errors", "format_traceback");
pub(crate) static JOB_INFO: Imported = Imported::new("bursar._info", "job_info");
pub(crate) static SPILLED: Imported = Imported::new("bursar._info", "Spilled");
pub(crate) static OPEN_STREAM: Imported = Imported::new("bursar._stream", "open_stream");
pub(crate) static STATS: Imported = Imported::new("bursar._info", "stats");
pub(crate) static TIME: Imported = Imported::new("bursar._info", "time");
pub(crate) static WHY: Imported = Imported::new("bursar._info", "why");
pub(crate) static EVENT: Imported = Imported::new("bursar._info", "event");
pub(crate) static NEXT_EVENT: Imported = Imported::new("bursar._loops", "next_event");
pub(crate) static PROGRESS: Imported = Imported::new("bursar._info", "progress");
pub(crate) static LOG_LINE: Imported = Imported::new("bursar._info", "log_line");
pub(crate) static COMMAND: Imported = Imported::new("bursar._command", "command");
pub(crate) static RETRY: Imported = Imported::new("bursar._errors", "Retry");
pub(crate) static FAIL: Imported = Imported::new("bursar._errors", "Fail");
pub(crate) static CANCEL: Imported = Imported::new("bursar._errors", "Cancel");
pub(crate) static CANCELLED_ERROR: Imported = Imported::new("asyncio", "CancelledError");
pub(crate) static TIMEDELTA: Imported = Imported::new("datetime", "timedelta");
static ERRORS: Imported = Imported::new("bursar._errors", "BY_KIND");

/// The exception of one kind of error.
pub(crate) fn error(py: Python<'_>, kind: &str, message: &str) -> PyErr {
    let made = ERRORS.get(py).and_then(|errors| {
        let class = errors.cast::<PyDict>()?.as_any().get_item(kind)?;
        class.call1((message,))
    });
    made.map_or_else(|error| error, PyErr::from_value)
}

/// Whether `error` is an instance of the class.
pub(crate) fn is_a(py: Python<'_>, error: &Bound<'_, PyAny>, class: &Imported) -> bool {
    let class = class.get(py);
    class
        .and_then(|class| error.is_instance(class))
        .unwrap_or(false)
}
