//! What a job declares, as it stands in the file, and how the end of an attempt does.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::{
    AttemptEnd, Demand, Error, ErrorKind, ExecutorKind, Failure, Isolation, Limits, Priority,
    Result, RetryPolicy, Sandbox, SandboxParts, Spec,
};
use serde::{Deserialize, Serialize};

/// A [`Spec`] as JSON.
#[derive(Serialize, Deserialize)]
struct Declared {
    task: Arc<str>,
    priority: Priority,
    demand: Demand,
    /// Earlier versions wrote none.
    #[serde(default, skip_serializing_if = "is_unlimited")]
    limits: Limits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sandbox: Option<Sandbox>,
    executor: ExecutorKind,
    retry: RetryPolicy,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    result_ttl: Option<Duration>,
}

fn is_unlimited(limits: &Limits) -> bool {
    *limits == Limits::NONE
}

/// The text of a spec: equal for equal specs.
pub(crate) fn content(spec: &Spec) -> Result<String> {
    let declared = Declared {
        task: Arc::clone(&spec.task),
        priority: spec.priority,
        demand: spec.demand.clone(),
        limits: spec.limits,
        sandbox: spec.sandbox.clone(),
        executor: spec.executor,
        retry: spec.retry,
        timeout: spec.timeout,
        expires: spec.expires,
        result_ttl: spec.result_ttl,
    };
    serde_json::to_string(&declared).map_err(|error| unreadable("a job's options", error))
}

/// The spec of a text.
pub(crate) fn spec(content: &str) -> rusqlite::Result<Spec> {
    let declared: Declared = from_json(content)?;
    Ok(Spec {
        task: declared.task,
        priority: declared.priority,
        demand: declared.demand,
        limits: declared.limits,
        sandbox: declared.sandbox,
        executor: declared.executor,
        retry: declared.retry,
        timeout: declared.timeout,
        expires: declared.expires,
        result_ttl: declared.result_ttl,
    })
}

/// What else there is to say of the end of an attempt. Most have nothing.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Detail {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<Failure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) peak_memory: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cpu_time: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) isolation: Option<Isolation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sandbox: Option<SandboxParts>,
}

/// The text of the detail, where there is one.
pub(crate) fn detail(end: &AttemptEnd) -> Result<Option<String>> {
    let detail = Detail {
        failure: end.failure.as_deref().cloned(),
        peak_memory: end.peak_memory,
        cpu_time: end.cpu_time,
        isolation: end.isolation,
        sandbox: end.sandbox,
    };
    let nothing = detail.failure.is_none()
        && detail.peak_memory.is_none()
        && detail.cpu_time.is_none()
        && detail.isolation.is_none()
        && detail.sandbox.is_none();
    if nothing {
        return Ok(None);
    }
    let text = serde_json::to_string(&detail);
    text.map(Some)
        .map_err(|error| unreadable("the end of an attempt", error))
}

/// The detail of a text.
pub(crate) fn read_detail(text: Option<&str>) -> rusqlite::Result<Detail> {
    text.map_or_else(|| Ok(Detail::default()), from_json)
}

fn from_json<'a, T: Deserialize<'a>>(text: &'a str) -> rusqlite::Result<T> {
    let text_type = rusqlite::types::Type::Text;
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, text_type, Box::new(error)))
}

fn unreadable(what: &str, error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Internal, format!("{what} can't be written down")).with_source(error)
}
