//! Snapshots as JSON text: one crossing for all of one, and the same field names as everywhere.

use std::collections::BTreeMap;

use bursar::core::{
    AttemptInfo, Demand, Dimension, Event, EventKind, Exit, Failure, JobInfo, Limits, LogLine,
    Payload, Progress, Reason, Sandbox, SandboxParts, Share, State, Stats, Style, Timestamp, Why,
};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use crate::token::Token;

/// A value of the user's: encoded, the number of a live object, or of another thread, or what is known of
/// one in a file.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Held {
    Json(Box<RawValue>),
    Live(i32),
    /// Bytes, each as one character.
    Cloned(String),
    Spilled {
        size: u64,
        sha256: String,
        preview: String,
    },
}

fn held(payload: &Payload) -> Option<Held> {
    if let Some(number) = Token::number_of(payload) {
        return Some(Held::Live(number));
    }
    if let Some(bytes) = payload.as_host_bytes() {
        return Some(Held::Cloned(
            bytes.iter().map(|byte| char::from(*byte)).collect(),
        ));
    }
    if let Some(file) = payload.as_spilled() {
        return Some(Held::Spilled {
            size: file.size(),
            sha256: file.sha256_hex(),
            preview: file.preview_text(),
        });
    }
    let text = String::from_utf8(payload.as_json()?.to_vec()).ok()?;
    RawValue::from_string(text).ok().map(Held::Json)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JobJson<'a> {
    id: String,
    task: &'a str,
    state: &'static str,
    priority: &'static str,
    demand: Value,
    limits: Value,
    sandbox: Option<Value>,
    args: Option<Held>,
    attempt: u32,
    retries: u32,
    created: f64,
    scheduled: Option<f64>,
    started: Option<f64>,
    finished: Option<f64>,
    progress: Option<Value>,
    result: Option<Held>,
    error: Option<Value>,
    outcome: Option<&'static str>,
    worker: Option<&'a str>,
    waiting_on: Vec<String>,
    unique: Option<&'a str>,
    daemon: bool,
    retry_of: Option<String>,
    attempts: Vec<Value>,
    logs: Vec<Value>,
}

/// One job.
pub(crate) fn job_json(info: &JobInfo) -> String {
    let spec = &info.spec;
    text(&JobJson {
        id: info.id.to_string(),
        task: &spec.task,
        state: info.state.as_str(),
        priority: spec.priority.name(),
        demand: demand(&spec.demand),
        limits: limits(&spec.limits),
        sandbox: spec.sandbox.as_ref().map(sandbox),
        args: held(&info.args),
        attempt: info.attempt,
        retries: spec.retry.retries,
        created: millis(info.created),
        scheduled: info.scheduled.map(millis),
        started: info.started.map(millis),
        finished: info.finished.map(millis),
        progress: info.progress.as_ref().map(progress),
        result: info.result.as_ref().and_then(held),
        error: info.error.as_ref().map(failure),
        outcome: info.outcome.map(|outcome| outcome.as_str()),
        worker: info.worker.as_deref(),
        waiting_on: info.waiting_on.iter().map(ToString::to_string).collect(),
        unique: info.unique.as_deref(),
        daemon: info.daemon,
        retry_of: info.retry_of.map(|id| id.to_string()),
        attempts: info.attempts.iter().map(attempt).collect(),
        logs: info.logs.iter().map(log).collect(),
    })
}

/// A page of jobs and where the next one begins.
pub(crate) fn page_json(jobs: &[JobInfo], next: Option<String>) -> String {
    let jobs: Vec<String> = jobs.iter().map(job_json).collect();
    format!("{{\"jobs\":[{}],\"next\":{}}}", jobs.join(","), json!(next))
}

/// An engine at one moment.
pub(crate) fn stats_json(stats: &Stats) -> String {
    let jobs: BTreeMap<&str, u64> = State::ALL
        .iter()
        .map(|state| (state.as_str(), stats.jobs.of(*state)))
        .collect();
    let (mut budget, mut tokens) = (BTreeMap::new(), BTreeMap::new());
    for share in &stats.budget {
        match &share.dimension {
            Dimension::Token(name) => tokens.insert(name.to_string(), amounts(share)),
            dimension => budget.insert(dimension.to_string(), amounts(share)),
        };
    }
    budget.insert("tokens".to_owned(), json!(tokens));
    let concurrency: BTreeMap<&str, Value> = stats
        .concurrency
        .iter()
        .map(|(kind, share)| (kind.as_str(), amounts(share)))
        .collect();
    json!({ "jobs": jobs, "budget": budget, "concurrency": concurrency, "paused": stats.paused })
        .to_string()
}

/// Why a job isn't running.
pub(crate) fn why_json(why: &Why) -> String {
    let reasons: Vec<Value> = why.reasons.iter().map(reason).collect();
    json!({ "state": why.state.as_str(), "text": why.to_string(), "reasons": reasons }).to_string()
}

/// Something that happened.
pub(crate) fn event_json(event: &Event) -> String {
    let mut json = match &event.kind {
        EventKind::State(state) => json!({ "type": "state", "state": state.as_str() }),
        EventKind::Progress(at) => {
            json!({ "type": "progress", "percent": at.percent, "message": at.message })
        }
        EventKind::Log(line) => json!({
            "type": "log", "attempt": line.attempt, "level": line.level, "message": line.message
        }),
        EventKind::Limit(notice) => json!({
            "type": "limit", "resource": Style::Camel.spell(notice.resource.as_str()),
            "used": notice.used, "limit": notice.limit, "kind": notice.kind.as_str()
        }),
        EventKind::Missed(missed) => json!({ "type": "missed", "missed": missed }),
    };
    json["job"] = json!(event.job.to_string());
    json["task"] = json!(event.task);
    json["at"] = json!(millis(event.at));
    json.to_string()
}

fn reason(reason: &Reason) -> Value {
    let mut json = match reason {
        Reason::Running => json!({ "kind": "running" }),
        Reason::Frozen => json!({ "kind": "frozen" }),
        Reason::Ended(state) => json!({ "kind": "ended", "state": state.as_str() }),
        Reason::Time { until, left, retry } => json!({
            "kind": "time", "until": millis(*until), "left": left.as_secs_f64(), "retry": retry
        }),
        Reason::Paused(why) => json!({ "kind": "paused", "why": why }),
        Reason::NotHere(why) => json!({ "kind": "notHere", "why": why }),
        Reason::Budget {
            dimension,
            needs,
            free,
            total,
            held_by,
        } => {
            let holders = held_by
                .iter()
                .map(|(id, task, amount)| json!({ "job": id.to_string(), "task": task, "amount": amount }));
            let holders: Vec<Value> = holders.collect();
            json!({
                "kind": "budget", "dimension": dimension.to_string(),
                "needs": needs, "free": free, "total": total, "heldBy": holders
            })
        }
        Reason::Behind { jobs, escrow } => {
            json!({ "kind": "behind", "jobs": jobs, "escrow": escrow })
        }
    };
    json["text"] = json!(reason.to_string());
    json
}

fn amounts(share: &Share) -> Value {
    json!({ "total": share.total, "reserved": share.reserved, "used": share.used })
}

fn demand(demand: &Demand) -> Value {
    let tokens: BTreeMap<&str, u64> = demand
        .tokens
        .iter()
        .map(|(name, amount)| (&**name, *amount))
        .collect();
    json!({ "memory": demand.memory, "cpu": demand.cpu, "tokens": tokens })
}

fn limits(limits: &Limits) -> Value {
    json!({
        "memory": limits.memory,
        "cpu": limits.cpu,
        "cpuAction": limits.cpu_action.as_str(),
        "cpuTime": limits.cpu_time.map(|time| time.as_secs_f64()),
        "files": limits.files,
        "connections": limits.connections,
    })
}

fn sandbox(sandbox: &Sandbox) -> Value {
    json!({
        "level": sandbox.level.as_str(),
        "write": sandbox.write,
        "network": sandbox.network,
    })
}

fn sandbox_parts(parts: &SandboxParts) -> Value {
    json!({
        "noNewPrivs": parts.no_new_privs,
        "landlock": parts.landlock,
        "seccomp": parts.seccomp,
    })
}

fn progress(progress: &Progress) -> Value {
    json!({ "percent": progress.percent, "message": progress.message })
}

fn failure(failure: &Failure) -> Value {
    let (code, signal) = exit_of(failure);
    json!({
        "type": failure.kind,
        "message": failure.message,
        "traceback": failure.traceback,
        "exitCode": code,
        "signal": signal,
    })
}

/// The exit code, and the name of the signal, that a process ended with.
pub(crate) fn exit_of(failure: &Failure) -> (Option<i32>, Option<String>) {
    match failure.exit {
        Some(Exit::Code(code)) => (Some(code), None),
        Some(exit @ Exit::Signal(_)) => (None, exit.signal_name()),
        None => (None, None),
    }
}

fn attempt(attempt: &AttemptInfo) -> Value {
    json!({
        "number": attempt.number,
        "worker": attempt.worker,
        "started": millis(attempt.started),
        "finished": attempt.finished.map(millis),
        "outcome": attempt.outcome.map(|outcome| outcome.as_str()),
        "error": attempt.error.as_ref().map(failure),
        "peakMemory": attempt.peak_memory,
        "cpuTime": attempt.cpu_time.map(|time| time.as_secs_f64()),
        "isolation": attempt.isolation.map(|isolation| isolation.as_str()),
        "sandbox": attempt.sandbox.as_ref().map(sandbox_parts),
    })
}

fn log(line: &LogLine) -> Value {
    json!({ "at": millis(line.at), "attempt": line.attempt, "level": line.level, "message": line.message })
}

fn millis(time: Timestamp) -> f64 {
    time.micros() as f64 / 1_000.0
}

/// What we built ourselves can always be written.
fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
