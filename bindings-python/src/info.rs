//! What the engine tells about jobs, in the shapes of `bursar._info`.

use bursar::core::{
    AttemptInfo, Dimension, Event, EventKind, Exit, Failure, JobInfo, Limits, LogLine, Notice,
    Payload, Progress, Reason, Sandbox, SandboxParts, Share, State, Stats, Timestamp, Why,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::function::decode;
use crate::hub::Hub;
use crate::live::{self, Call};
use crate::{call, python};

/// A time as a `datetime` with its zone.
pub(crate) fn time(py: Python<'_>, at: Timestamp) -> PyResult<Bound<'_, PyAny>> {
    python::TIME.get(py)?.call1((at.micros(),))
}

fn known_time(py: Python<'_>, at: Option<Timestamp>) -> PyResult<Option<Bound<'_, PyAny>>> {
    at.map(|at| time(py, at)).transpose()
}

fn shape<'py>(class: &python::Imported, fields: Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    class.get(fields.py())?.call((), Some(&fields))
}

/// One snapshot of a job.
pub(crate) fn job<'py>(py: Python<'py>, hub: &Hub, info: &JobInfo) -> PyResult<Bound<'py, PyAny>> {
    let fields = PyDict::new(py);
    let (args, kwargs) = arguments(py, hub, info)?;
    fields.set_item("id", info.id.to_string())?;
    fields.set_item("task", &*info.spec.task)?;
    fields.set_item("state", info.state.as_str())?;
    fields.set_item("priority", info.spec.priority.name())?;
    fields.set_item("demand", demand(py, info)?)?;
    fields.set_item("limits", limits(py, &info.spec.limits)?)?;
    let kept_to = info.spec.sandbox.as_ref();
    fields.set_item(
        "sandbox",
        kept_to.map(|said| sandbox(py, said)).transpose()?,
    )?;
    fields.set_item("args", args)?;
    fields.set_item("kwargs", kwargs)?;
    fields.set_item("attempt", info.attempt)?;
    fields.set_item("retries", info.spec.retry.retries)?;
    fields.set_item("created", time(py, info.created)?)?;
    fields.set_item("scheduled", known_time(py, info.scheduled)?)?;
    fields.set_item("started", known_time(py, info.started)?)?;
    fields.set_item("finished", known_time(py, info.finished)?)?;
    fields.set_item(
        "progress",
        info.progress
            .as_ref()
            .map(|said| progress(py, said))
            .transpose()?,
    )?;
    fields.set_item("result", result(py, hub, info)?)?;
    fields.set_item(
        "error",
        info.error
            .as_ref()
            .map(|failure| error(py, failure))
            .transpose()?,
    )?;
    fields.set_item("outcome", info.outcome.map(|outcome| outcome.as_str()))?;
    fields.set_item("worker", info.worker.as_deref())?;
    fields.set_item(
        "waiting_on",
        info.waiting_on
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
    )?;
    fields.set_item("unique", info.unique.as_deref())?;
    fields.set_item("daemon", info.daemon)?;
    fields.set_item("retry_of", info.retry_of.map(|id| id.to_string()))?;
    let attempts = info.attempts.iter().map(|each| attempt(py, each));
    fields.set_item("attempts", attempts.collect::<PyResult<Vec<_>>>()?)?;
    shape(&python::JOB_INFO, fields)
}

fn demand<'py>(py: Python<'py>, info: &JobInfo) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    fields.set_item("memory", info.spec.demand.memory)?;
    fields.set_item("cpu", info.spec.demand.cpu as f64 / 1_000.0)?;
    let tokens = PyDict::new(py);
    for (name, amount) in &info.spec.demand.tokens {
        tokens.set_item(&**name, amount)?;
    }
    fields.set_item("tokens", tokens)?;
    Ok(fields)
}

fn limits<'py>(py: Python<'py>, limits: &Limits) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    fields.set_item("memory", limits.memory)?;
    fields.set_item("cpu", limits.cpu.map(|cpu| cpu as f64 / 1_000.0))?;
    fields.set_item("cpu_action", limits.cpu_action.as_str())?;
    fields.set_item("cpu_time", limits.cpu_time.map(|time| time.as_secs_f64()))?;
    fields.set_item("files", limits.files)?;
    fields.set_item("connections", limits.connections)?;
    Ok(fields)
}

fn notice<'py>(py: Python<'py>, notice: &Notice) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    fields.set_item("resource", notice.resource.as_str())?;
    fields.set_item("used", notice.used)?;
    fields.set_item("limit", notice.limit)?;
    fields.set_item("kind", notice.kind.as_str())?;
    Ok(fields)
}

/// The arguments: as they were given, or as JSON has them where the function isn't known here.
fn arguments<'py>(
    py: Python<'py>,
    hub: &Hub,
    info: &JobInfo,
) -> PyResult<(Bound<'py, PyTuple>, Option<Bound<'py, PyDict>>)> {
    if let Some(call) = Call::from_payload(py, &info.args) {
        return Ok((call.args, call.kwargs));
    }
    if matches!(info.args, Payload::Null) {
        return Ok((PyTuple::empty(py), None));
    }
    if let Some(pickled) = info.args.as_host_bytes() {
        return live::unpickled(py, pickled)?.extract();
    }
    if let Some(function) = hub.function(&info.spec.task) {
        let call = function.decode_call(py, &info.args)?;
        return Ok((call.args, call.kwargs));
    }
    let json = decode(py, python::PLAIN.get(py)?, "decode_call", &info.args)?;
    let (args, kwargs): (Bound<'py, PyTuple>, Bound<'py, PyDict>) = json.extract()?;
    Ok((args, Some(kwargs)))
}

fn result<'py>(py: Python<'py>, hub: &Hub, info: &JobInfo) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(payload) = &info.result else {
        return Ok(None);
    };
    if let Some(value) = live::value(py, payload)? {
        return Ok(Some(value));
    }
    if let Some(file) = payload.as_spilled() {
        let told = (file.size(), file.sha256_hex(), file.preview_text());
        return python::SPILLED.get(py)?.call1(told).map(Some);
    }
    let value = match hub.function(&info.spec.task) {
        Some(function) => function.decode_result(py, payload),
        None => decode(py, python::PLAIN.get(py)?, "decode_result", payload),
    };
    value.map(Some)
}

fn error<'py>(py: Python<'py>, failure: &Failure) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    fields.set_item("type", &failure.kind)?;
    fields.set_item("message", &failure.message)?;
    let (code, signal) = exit_of(failure);
    fields.set_item("exit_code", code)?;
    fields.set_item("signal", signal)?;
    let live = live::value(py, &failure.live).ok().flatten();
    let live = live.filter(|error| !error.is_none());
    let from_live = || call::traceback(py, live.as_ref()?);
    fields.set_item("traceback", failure.traceback.clone().or_else(from_live))?;
    Ok(fields)
}

/// The exit code and the signal that a process ended with.
pub(crate) fn exit_of(failure: &Failure) -> (Option<i32>, Option<i32>) {
    match failure.exit {
        Some(Exit::Code(code)) => (Some(code), None),
        Some(Exit::Signal(signal)) => (None, Some(signal)),
        None => (None, None),
    }
}

fn attempt<'py>(py: Python<'py>, info: &AttemptInfo) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    fields.set_item("number", info.number)?;
    fields.set_item("worker", &*info.worker)?;
    fields.set_item("started", time(py, info.started)?)?;
    fields.set_item("finished", known_time(py, info.finished)?)?;
    fields.set_item("outcome", info.outcome.map(|outcome| outcome.as_str()))?;
    fields.set_item(
        "error",
        info.error
            .as_ref()
            .map(|failure| error(py, failure))
            .transpose()?,
    )?;
    fields.set_item("peak_memory", info.peak_memory)?;
    fields.set_item("cpu_time", info.cpu_time.map(|time| time.as_secs_f64()))?;
    fields.set_item(
        "isolation",
        info.isolation.map(|isolation| isolation.as_str()),
    )?;
    let parts = info.sandbox.as_ref();
    fields.set_item(
        "sandbox",
        parts.map(|had| sandbox_parts(py, had)).transpose()?,
    )?;
    Ok(fields)
}

fn sandbox<'py>(py: Python<'py>, said: &Sandbox) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    fields.set_item("level", said.level.as_str())?;
    fields.set_item(
        "write",
        PyTuple::new(py, said.write.iter().map(|path| &**path))?,
    )?;
    fields.set_item("network", said.network)?;
    Ok(fields)
}

fn sandbox_parts<'py>(py: Python<'py>, had: &SandboxParts) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    fields.set_item("no_new_privs", had.no_new_privs)?;
    fields.set_item("landlock", had.landlock)?;
    fields.set_item("seccomp", had.seccomp)?;
    Ok(fields)
}

/// How far a job says it has come.
pub(crate) fn progress<'py>(py: Python<'py>, said: &Progress) -> PyResult<Bound<'py, PyAny>> {
    python::PROGRESS
        .get(py)?
        .call1((said.percent, said.message.as_deref()))
}

/// One line that a job logged.
pub(crate) fn log_line<'py>(py: Python<'py>, line: &LogLine) -> PyResult<Bound<'py, PyAny>> {
    let fields = (
        time(py, line.at)?,
        line.attempt,
        &*line.level,
        &*line.message,
    );
    python::LOG_LINE.get(py)?.call1(fields)
}

/// Something that happened.
pub(crate) fn event<'py>(py: Python<'py>, event: &Event) -> PyResult<Bound<'py, PyAny>> {
    let fields = PyDict::new(py);
    fields.set_item("at", time(py, event.at)?)?;
    fields.set_item("job", event.job.to_string())?;
    fields.set_item("task", &*event.task)?;
    match &event.kind {
        EventKind::State(state) => fields.set_item("state", state.as_str())?,
        EventKind::Progress(said) => fields.set_item("progress", progress(py, said)?)?,
        EventKind::Log(line) => fields.set_item("log", log_line(py, line)?)?,
        EventKind::Limit(near) => fields.set_item("limit", notice(py, near)?)?,
        EventKind::Missed(missed) => fields.set_item("missed", missed)?,
    }
    shape(&python::EVENT, fields)
}

/// What a job waits for.
pub(crate) fn why<'py>(py: Python<'py>, why: &Why) -> PyResult<Bound<'py, PyAny>> {
    let reasons = why.reasons.iter().map(|each| reason(py, each));
    let reasons = reasons.collect::<PyResult<Vec<_>>>()?;
    python::WHY
        .get(py)?
        .call1((why.state.as_str(), why.to_string(), reasons))
}

fn reason<'py>(py: Python<'py>, reason: &Reason) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    fields.set_item("message", reason.to_string())?;
    match reason {
        Reason::Running => fields.set_item("kind", "running")?,
        Reason::Frozen => fields.set_item("kind", "frozen")?,
        Reason::Ended(_) => fields.set_item("kind", "ended")?,
        Reason::Paused(_) => fields.set_item("kind", "paused")?,
        Reason::NotHere(_) => fields.set_item("kind", "not_here")?,
        Reason::Time { until, .. } => {
            fields.set_item("kind", "time")?;
            fields.set_item("until", time(py, *until)?)?;
        }
        Reason::Behind { jobs, escrow } => {
            fields.set_item("kind", "behind")?;
            fields.set_item("jobs", jobs)?;
            fields.set_item("escrow", escrow)?;
        }
        Reason::Budget {
            dimension,
            needs,
            free,
            total,
            held_by,
        } => {
            fields.set_item("kind", "budget")?;
            fields.set_item("dimension", dimension.to_string())?;
            fields.set_item("needs", needs)?;
            fields.set_item("free", free)?;
            fields.set_item("total", total)?;
            let holder = |(id, _, _): &(bursar::core::JobId, String, u64)| id.to_string();
            fields.set_item("held_by", held_by.iter().map(holder).collect::<Vec<_>>())?;
        }
    }
    Ok(fields)
}

/// The engine at one moment.
pub(crate) fn stats<'py>(py: Python<'py>, stats: &Stats) -> PyResult<Bound<'py, PyAny>> {
    let jobs = PyDict::new(py);
    for state in State::ALL {
        jobs.set_item(state.as_str(), stats.jobs.of(state))?;
    }
    let (budget, tokens, concurrency) = (PyDict::new(py), PyDict::new(py), PyDict::new(py));
    for share in &stats.budget {
        match &share.dimension {
            Dimension::Memory => budget.set_item("memory", amounts(share, 1.0))?,
            Dimension::Cpu => budget.set_item("cpu", amounts(share, 1_000.0))?,
            Dimension::Token(name) => tokens.set_item(&**name, amounts(share, 1.0))?,
            Dimension::Slots(_) => {}
        }
    }
    for (kind, share) in &stats.concurrency {
        concurrency.set_item(kind.as_str(), amounts(share, 1.0))?;
    }
    python::STATS
        .get(py)?
        .call1((jobs, budget, tokens, concurrency, stats.paused.as_deref()))
}

fn amounts(share: &Share, unit: f64) -> (f64, f64, f64) {
    let part = |amount: u64| amount as f64 / unit;
    (part(share.total), part(share.reserved), part(share.used))
}
