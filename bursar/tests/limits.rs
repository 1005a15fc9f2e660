//! The limit matrix: each resource under, at and over its limit, at 0 and without one; with real
//! processes. What time brings is tested with a clock of its own, in `core/src/limits/policy/tests.rs`;
//! here, each test waits for what it is told.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use bursar::{
    CommandLimits, CommandOutput, CpuAction, Engine, EventKind, Isolation, Job, JobError,
    JobFailure, Notice, NoticeKind, OutcomeKind, Resource,
};
use bursar_testkit::Process;

const MB: u64 = 1_000_000;

/// Waits for nothing, with ten descriptors open.
const TEN_FILES: &str = "exec 3</dev/null 4</dev/null 5</dev/null 6</dev/null 7</dev/null \
                         8</dev/null 9</dev/null; exec sleep 1000";

/// Never ends, and never rests.
const BUSY: &str = "while :; do :; done";

async fn engine() -> Engine {
    let engine = Engine::open("memory:").grace("200ms").concurrency(8);
    engine.start().await.unwrap()
}

async fn run(engine: &Engine, script: &str, limits: CommandLimits) -> Job<CommandOutput> {
    let command = engine.command(["bash", "-c", script]).limits(limits);
    command.await.unwrap()
}

fn limits() -> CommandLimits {
    CommandLimits::new()
}

/// Holds so much memory and does nothing.
fn hog(megabytes: u64) -> String {
    format!("dd if=/dev/zero bs={megabytes}M count=1 2>/dev/null | sleep 1000")
}

async fn failed(job: &Job<CommandOutput>) -> JobFailure {
    match job.result_timeout("30s").await.unwrap_err() {
        JobError::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

async fn exceeded(job: &Job<CommandOutput>) -> JobFailure {
    match job.result_timeout("30s").await.unwrap_err() {
        JobError::MemoryExceeded(failure) => failure,
        other => panic!("{other:?}"),
    }
}

/// Waits until it is told that a job is near a limit, or above it.
async fn notice(job: &Job<CommandOutput>, kind: NoticeKind) -> Notice {
    let mut events = job.events();
    loop {
        match events.next().await.unwrap().kind {
            EventKind::Limit(notice) if notice.kind == kind => return notice,
            EventKind::State(state) if state.is_terminal() => panic!("{state}"),
            _ => {}
        }
    }
}

/// Cancels a job, which must not have been stopped before.
async fn end(job: &Job<CommandOutput>) {
    assert!(job.cancel().await.unwrap());
    let ended = job.result_timeout("30s").await;
    assert!(matches!(ended, Err(JobError::Cancelled(_))), "{ended:?}");
}

/// The numbers in the first line that a job writes.
async fn pids(job: &Job<CommandOutput>) -> Vec<u32> {
    let mut events = job.events();
    loop {
        if let Some(line) = job.logs().await.unwrap().first() {
            return line.message.split(' ').flat_map(str::parse).collect();
        }
        events.next().await.unwrap();
    }
}

#[tokio::test]
async fn memory_under_its_limit_is_used_and_told() {
    let engine = engine().await;
    let script = "dd if=/dev/zero of=/dev/null bs=40M count=2 2>/dev/null";
    let job = run(&engine, script, limits().memory("100MB")).await;
    job.result_timeout("30s").await.unwrap();
    let info = job.info().await.unwrap();
    let attempt = &info.attempts[0];
    let peak = attempt.peak_memory.unwrap();
    assert!((40 * MB..100 * MB).contains(&peak), "{peak}");
    assert!(attempt.cpu_time.is_some());
    assert_eq!(attempt.isolation, Some(Isolation::Rlimit));
    assert_eq!(info.spec.limits.memory, Some(100 * MB));
}

#[tokio::test]
async fn memory_near_its_limit_is_said_in_the_log_and_nothing_else_happens() {
    let engine = engine().await;
    let job = run(&engine, &hog(60), limits().memory("68MB")).await;
    let said = notice(&job, NoticeKind::Near).await;
    assert_eq!((said.resource, said.limit), (Resource::Memory, 68 * MB));
    let logs = job.logs().await.unwrap();
    let line = logs.iter().find(|line| &*line.level == "warning").unwrap();
    assert!(line.message.contains("68MB"), "{}", line.message);
    // What the engine's children use is its own use.
    let used = engine.stats().await.unwrap().budget[0].used;
    assert!(used > 60 * MB, "{used}");
    end(&job).await;
}

#[tokio::test]
async fn memory_that_the_system_refuses_is_memory_exceeded() {
    let engine = engine().await;
    let script = "dd if=/dev/zero of=/dev/null bs=200M count=1";
    let job = run(&engine, script, limits().memory("64MB")).await;
    let failure = exceeded(&job).await;
    assert_eq!(failure.kind(), "MemoryExceeded");
    assert!(failure.message().contains("64MB"), "{failure}");
}

#[tokio::test]
async fn memory_of_a_whole_tree_counts_together_daemons_included() {
    let engine = engine().await;
    // Each alone may: one plain, one in a session of its own, one that has lost its parents.
    let hog = hog(40);
    let script = format!(
        "setsid sh -c 'echo $$; {hog}' | (read a; \
         (setsid sh -c 'setsid sh -c \"echo \\$\\$; {hog}\" &' &) | (read b; echo $$ $a $b; {hog}))"
    );
    let job = run(&engine, &script, limits().memory("100MB")).await;
    let pids = pids(&job).await;
    assert_eq!(pids.len(), 3);
    let failure = exceeded(&job).await;
    assert!(failure.peak_memory().unwrap() > 100 * MB);
    assert!(failure.message().contains("100MB"), "{failure}");
    assert!(!pids.iter().any(|pid| Process(*pid).lives()), "{pids:?}");
}

#[tokio::test]
async fn no_memory_is_none_and_no_limit_is_no_limit() {
    let engine = engine().await;
    let none = run(&engine, "exec sleep 1000", limits().memory(0)).await;
    let failure = exceeded(&none).await;
    assert!(
        failure.message().contains("where its limit is 0B"),
        "{failure}"
    );
    let script = "dd if=/dev/zero of=/dev/null bs=100M count=1 2>/dev/null";
    let command = engine.command(["sh", "-c", script]).memory("1MB");
    let job = command
        .limits(limits().unlimited(Resource::Memory))
        .await
        .unwrap();
    job.result_timeout("30s").await.unwrap();
    let info = job.info().await.unwrap();
    assert_eq!(
        (info.spec.demand.memory, info.spec.limits.memory),
        (MB, None)
    );
    assert_eq!(info.attempts[0].isolation, Some(Isolation::Sampling));
}

#[tokio::test]
async fn what_is_reserved_is_the_limit() {
    let engine = engine().await;
    let script = "dd if=/dev/zero of=/dev/null bs=100M count=1 2>/dev/null";
    let command = engine.command(["sh", "-c", script]).memory("40MB").cpu(0.5);
    let job = command.retries(1).retry_delay("1ms").await.unwrap();
    // Nothing is said on its error output: it is judged by what it was seen to use, or fails.
    let ended = job.result_timeout("30s").await;
    assert!(ended.is_err());
    let info = job.info().await.unwrap();
    assert_eq!(info.spec.limits.memory, Some(40 * MB));
    assert_eq!(info.spec.limits.cpu, Some(500));
    assert_eq!(info.attempts.len(), 2, "retries apply");
}

#[tokio::test]
async fn a_busy_command_is_stopped_where_that_is_asked_for() {
    let engine = engine().await;
    for cores in [0.1, 0.0] {
        let stop = limits().cpu(cores).cpu_action(CpuAction::Stop);
        let job = run(&engine, BUSY, stop).await;
        let failure = failed(&job).await;
        assert_eq!(failure.kind(), "CpuExceeded", "{failure}");
    }
}

#[tokio::test]
async fn a_busy_command_is_only_told_of_where_that_is_asked_for() {
    let engine = engine().await;
    let job = run(
        &engine,
        BUSY,
        limits().cpu(0.05).cpu_action(CpuAction::Warn),
    )
    .await;
    let said = notice(&job, NoticeKind::Over).await;
    assert_eq!((said.resource, said.limit), (Resource::Cpu, 50));
    end(&job).await;
}

#[tokio::test]
async fn a_busy_command_is_slowed_down_by_default() {
    let engine = engine().await;
    let job = run(&engine, &format!("echo $$; {BUSY}"), limits().cpu(0.2)).await;
    let pid = pids(&job).await[0];
    let said = notice(&job, NoticeKind::Slowed).await;
    assert_eq!(said.limit, 200);
    for _ in 0..3 {
        while !Process(pid).is_stopped() {
            tokio::task::yield_now().await;
        }
        while Process(pid).is_stopped() {
            tokio::task::yield_now().await;
        }
    }
    end(&job).await;
    let attempt = &job.info().await.unwrap().attempts[0];
    let (started, finished) = (attempt.started, attempt.finished.unwrap());
    let share = attempt.cpu_time.unwrap().as_secs_f64() / finished.since(started).as_secs_f64();
    assert!(share < 0.6, "{share}");
}

#[tokio::test]
async fn a_total_of_processor_time_is_not_passed() {
    let engine = engine().await;
    for (limit, least) in [("100ms", 0.1), ("0s", 0.0)] {
        let job = run(&engine, BUSY, limits().cpu_time(limit)).await;
        let failure = failed(&job).await;
        assert_eq!(failure.kind(), "CpuTimeExceeded", "{failure}");
        let used = job.info().await.unwrap().attempts[0].cpu_time.unwrap();
        assert!(used.as_secs_f64() > least, "{used:?}");
    }
    let job = run(&engine, "exit 0", limits().cpu_time("10s")).await;
    job.result_timeout("30s").await.unwrap();
}

#[tokio::test]
async fn open_files_are_counted() {
    let engine = engine().await;
    for files in [9, 0] {
        let failure = failed(&run(&engine, TEN_FILES, limits().files(files)).await).await;
        assert_eq!(failure.kind(), "FilesExceeded", "{failure}");
        assert!(failure.message().contains("10 open files"), "{failure}");
    }
    // At the limit: a word, and no more.
    let job = run(&engine, TEN_FILES, limits().files(10)).await;
    assert_eq!(notice(&job, NoticeKind::Near).await.used, 10);
    end(&job).await;
    // Below it, and without one, another limit ends it.
    let busy = TEN_FILES.replace("exec sleep 1000", BUSY);
    for below in [limits().files(20), limits().unlimited(Resource::Files)] {
        let failure = failed(&run(&engine, &busy, below.cpu_time("50ms")).await).await;
        assert_eq!(failure.kind(), "CpuTimeExceeded", "{failure}");
    }
}

#[tokio::test]
async fn connections_are_counted() {
    let engine = engine().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let two = format!("exec 3<>/dev/tcp/127.0.0.1/{port} 4<>/dev/tcp/127.0.0.1/{port}");
    let held = format!("{two}; exec sleep 1000");
    for connections in [1, 0] {
        let job = run(&engine, &held, limits().connections(connections)).await;
        let failure = failed(&job).await;
        assert_eq!(failure.kind(), "ConnectionsExceeded", "{failure}");
        assert!(failure.message().contains("2 connections"), "{failure}");
    }
    let job = run(&engine, &held, limits().connections(2)).await;
    assert_eq!(notice(&job, NoticeKind::Near).await.used, 2);
    end(&job).await;
    let busy = format!("{two}; {BUSY}");
    for below in [
        limits().connections(4),
        limits().unlimited(Resource::Connections),
    ] {
        let failure = failed(&run(&engine, &busy, below.cpu_time("50ms")).await).await;
        assert_eq!(failure.kind(), "CpuTimeExceeded", "{failure}");
    }
}

#[tokio::test]
async fn who_ignores_being_asked_is_killed_and_has_the_same_outcome() {
    let engine = engine().await;
    let script = format!("trap '' TERM; echo $$; {TEN_FILES}");
    let job = run(&engine, &script, limits().files(5)).await;
    let pid = pids(&job).await[0];
    assert_eq!(failed(&job).await.kind(), "FilesExceeded");
    assert!(!Process(pid).lives());
    let info = job.info().await.unwrap();
    assert_eq!(info.outcome, Some(OutcomeKind::Failed));
}

#[tokio::test]
async fn wrong_limits_are_refused_when_they_are_said() {
    let engine = engine().await;
    let throttled = limits().cpu(0.0).cpu_action(CpuAction::Throttle);
    let refused = engine.command(["true"]).limits(throttled).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("would never run"), "{error}");
    let unread = engine.command(["true"]).limits(limits().memory("64QB"));
    let error = unread.await.unwrap_err().to_string();
    assert!(
        error.contains("limits.memory") && error.contains("64QB"),
        "{error}"
    );
}
