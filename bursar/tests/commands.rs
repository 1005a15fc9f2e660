//! Programs as jobs, run for real.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bursar::testing::ManualClock;
use bursar::{CommandOutput, Engine, Exit, Job, JobError, JobFailure, Reason, State};
use bursar_testkit::{Process, until};

async fn engine() -> Engine {
    Engine::open("memory:")
        .grace("200ms")
        .concurrency(8)
        .start()
        .await
        .unwrap()
}

async fn shell(engine: &Engine, script: &str) -> Job<CommandOutput> {
    engine.command(["sh", "-c", script]).await.unwrap()
}

async fn failure(job: &Job<CommandOutput>) -> JobFailure {
    match job.result_timeout("30s").await.unwrap_err() {
        JobError::Failed(failure) | JobError::Crashed(failure) | JobError::TimedOut(failure) => {
            failure
        }
        other => panic!("{other:?}"),
    }
}

/// Waits for a line of a job's log.
async fn line(job: &Job<CommandOutput>) -> String {
    let mut events = job.events();
    loop {
        if let Some(line) = job.logs().await.unwrap().first() {
            return line.message.to_string();
        }
        events.next().await.unwrap();
    }
}

#[tokio::test]
async fn a_command_gives_what_it_wrote_and_its_exit_code() {
    let engine = engine().await;
    let output = shell(&engine, "echo out; echo err >&2; printf 'no newline'")
        .await
        .result()
        .await
        .unwrap();
    assert_eq!(
        (output.code, &*output.stdout, &*output.stderr),
        (0, "out\nno newline", "err\n")
    );
}

#[tokio::test]
async fn its_lines_are_its_log_as_they_come() {
    let engine = engine().await;
    let job = shell(&engine, "echo one; read x; echo two >&2; exit 1").await;
    assert_eq!(line(&job).await, "one");
    failure(&job).await;
    let logs = job.logs().await.unwrap();
    let lines: Vec<_> = logs
        .iter()
        .map(|line| (&*line.level, &*line.message))
        .collect();
    assert_eq!(lines, [("stdout", "one"), ("stderr", "two")]);
}

#[tokio::test]
async fn another_exit_code_is_a_failure_and_a_signal_a_crash() {
    let engine = engine().await;
    let failed = failure(&shell(&engine, "echo why >&2; exit 3").await).await;
    assert_eq!(
        (failed.kind(), failed.exit()),
        ("CommandFailed", Some(Exit::Code(3)))
    );
    assert_eq!(failed.message(), "\"sh\" ended with exit code 3: why");
    let crashed = failure(&shell(&engine, "kill -SEGV $$").await).await;
    assert_eq!(
        (crashed.kind(), crashed.exit()),
        ("CommandCrashed", Some(Exit::Signal(11)))
    );
    assert!(crashed.message().contains("SIGSEGV"));
    // As a shell tells of a killed program: it is not a success.
    let killed = failure(&shell(&engine, "exit 137").await).await;
    assert_eq!(killed.exit(), Some(Exit::Code(137)));
}

#[tokio::test]
async fn it_has_the_folder_the_variables_and_the_input_that_it_was_given() {
    let engine = engine().await;
    let job = engine
        .command(["sh", "-c", "pwd; echo $GREETING-$CARGO_PKG_NAME; cat"])
        .cwd("/usr")
        .env("GREETING", "hello world; $(id)")
        .stdin(vec![b'a', 0xff, b'\n'])
        .await
        .unwrap();
    assert_eq!(
        job.result().await.unwrap().stdout,
        "/usr\nhello world; $(id)-\na\u{fffd}\n"
    );
    let own = engine
        .command(["sh", "-c", "echo $CARGO_PKG_NAME"])
        .env_from_worker("CARGO_PKG_NAME")
        .await
        .unwrap();
    assert_eq!(
        own.result().await.unwrap().stdout,
        format!("{}\n", std::env::var("CARGO_PKG_NAME").unwrap_or_default())
    );
}

#[tokio::test]
async fn what_cannot_run_is_refused_when_it_is_submitted() {
    let engine = engine().await;
    let missing = engine
        .command(["no-such-program"])
        .await
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("there is no program \"no-such-program\" in PATH"),
        "{missing}"
    );
    let nul = engine
        .command(["ls", "a\0b"])
        .await
        .unwrap_err()
        .to_string();
    assert!(nul.contains("argument 1 of the command has a NUL"), "{nul}");
    let folder = engine
        .command(["ls"])
        .cwd("/no/such")
        .await
        .unwrap_err()
        .to_string();
    assert!(folder.contains("/no/such"), "{folder}");
    let option = engine
        .command(["ls"])
        .memory("64QB")
        .await
        .unwrap_err()
        .to_string();
    assert!(option.contains("64QB"), "{option}");
}

#[tokio::test]
async fn much_input_that_nobody_reads_and_much_output_are_no_trouble() {
    let engine = engine().await;
    let ignores = engine
        .command(["true"])
        .stdin(vec![b'x'; 5_000_000])
        .await
        .unwrap();
    assert_eq!(ignores.result().await.unwrap().code, 0);
    let echo = engine
        .command(["cat"])
        .stdin("y".repeat(5_000_000))
        .await
        .unwrap();
    assert_eq!(echo.result().await.unwrap().stdout.len(), 5_000_000);
}

/// What each row of the timeout matrix runs, and whether it ends by TERM already.
const NEVER_ENDING: [(&str, &str); 7] = [
    ("a sleeper", "exec sleep 1000"),
    (
        "a child that has exited while a grandchild holds its output",
        "sleep 1000 & exit 0",
    ),
    (
        "one that ignores TERM",
        "trap '' TERM; while :; do sleep 1000; done",
    ),
    ("a stopped one", "kill -STOP $$; sleep 1000"),
    ("a busy loop", "while :; do :; done"),
    ("one that writes for ever", "exec yes $(printf %01000d 0)"),
    (
        "a daemon",
        "setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 1000; done' & exec sleep 1000",
    ),
];

#[tokio::test]
async fn a_timeout_ends_whatever_a_command_does() {
    let engine = engine().await;
    for (what, script) in NEVER_ENDING {
        let job = engine
            .command(["sh", "-c", script])
            .timeout("100ms")
            .await
            .unwrap();
        match job.result_timeout("20s").await {
            Err(JobError::TimedOut(failure)) => {
                assert!(failure.message().contains("100ms"), "{what}: {failure}")
            }
            other => panic!("{what}: {other:?}"),
        }
    }
    let deaf = engine
        .command(["sleep", "1000"])
        .stdin("x".repeat(1_000_000))
        .timeout("100ms")
        .await
        .unwrap();
    assert!(matches!(
        deaf.result_timeout("20s").await,
        Err(JobError::TimedOut(_))
    ));
    assert_eq!(
        engine
            .stats()
            .await
            .unwrap()
            .concurrency
            .iter()
            .map(|(_, share)| share.reserved)
            .sum::<u64>(),
        0
    );
}

#[tokio::test]
async fn a_cancelled_command_is_over_when_its_job_is() {
    let engine = engine().await;
    let job = shell(
        &engine,
        "trap '' TERM; setsid sleep 1000 & echo $! $$; sleep 1000",
    )
    .await;
    let pids: Vec<u32> = line(&job)
        .await
        .split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect();
    assert!(pids.iter().all(|pid| Process(*pid).lives()));
    assert!(job.cancel().await.unwrap());
    assert!(matches!(
        job.result_timeout("20s").await,
        Err(JobError::Cancelled(_))
    ));
    assert!(!pids.iter().any(|pid| Process(*pid).lives()), "{pids:?}");
}

#[tokio::test]
async fn one_that_heeds_a_cancel_ends_by_itself() {
    let engine = Engine::open("memory:").start().await.unwrap();
    let job = shell(
        &engine,
        "trap 'echo cleaned up; exit 0' TERM; echo ready; while :; do sleep 0.01; done",
    )
    .await;
    line(&job).await;
    job.cancel().await.unwrap();
    assert!(matches!(
        job.result_timeout("20s").await,
        Err(JobError::Cancelled(_))
    ));
    // The shell may say on its other output that its child was ended.
    let logs = job.logs().await.unwrap();
    assert!(logs.iter().any(|line| &*line.message == "cleaned up"));
}

#[tokio::test]
async fn what_a_command_leaves_behind_is_ended_after_the_grace() {
    let engine = engine().await;
    let job = shell(&engine, "setsid sleep 1000 & echo $!; exit 0").await;
    let left: u32 = line(&job).await.parse().unwrap();
    assert_eq!(job.result_timeout("20s").await.unwrap().code, 0);
    assert!(!Process(left).lives());
}

#[tokio::test]
async fn a_shutdown_ends_commands_and_gives_them_back() {
    let engine = engine().await;
    let job = shell(&engine, "trap '' TERM; echo $$; sleep 1000").await;
    let pid: u32 = line(&job).await.parse().unwrap();
    tokio::time::timeout(
        Duration::from_secs(20),
        engine.shutdown_within(Duration::ZERO),
    )
    .await
    .unwrap()
    .unwrap();
    assert!(!Process(pid).lives());
}

#[tokio::test]
async fn a_failed_command_is_tried_again_and_its_attempts_are_kept() {
    let engine = engine().await;
    let job = engine
        .command(["sh", "-c", "exit 4"])
        .retries(2)
        .retry_delay("1ms")
        .await
        .unwrap();
    assert_eq!(failure(&job).await.exit(), Some(Exit::Code(4)));
    let info = job.info().await.unwrap();
    assert_eq!((info.state, info.attempts.len()), (State::Failed, 3));
    assert!(
        info.attempts
            .iter()
            .all(|attempt| attempt.peak_memory.is_some_and(|peak| peak > 0))
    );
    assert!(
        info.attempts
            .iter()
            .all(|attempt| attempt.cpu_time.is_some())
    );
}

#[tokio::test]
async fn a_title_says_what_runs() {
    let engine = engine().await;
    let job = shell(&engine, "echo $$; sleep 1000").await;
    let pid = line(&job).await;
    let guard = Process(pid.parse().unwrap()).parent().unwrap();
    let title = std::fs::read_to_string(format!("/proc/{guard}/cmdline")).unwrap();
    let id = job.id().to_string();
    assert_eq!(
        title.trim_end_matches('\0'),
        format!("bursar-{}:sh:running", &id[28..])
    );
    job.cancel().await.unwrap();
}

#[tokio::test]
async fn many_commands_are_all_recorded_once() {
    let engine = engine().await;
    let mut jobs = Vec::new();
    for number in 0..200 {
        jobs.push(engine.command(["echo", &number.to_string()]).await.unwrap());
    }
    for (number, job) in jobs.iter().enumerate() {
        assert_eq!(
            job.result_timeout("60s").await.unwrap().stdout,
            format!("{number}\n")
        );
    }
}

/// The descriptors of this process that are sockets or pipes.
fn open_ends() -> usize {
    let links = std::fs::read_dir("/proc/self/fd").unwrap();
    let links = links.filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok());
    let is_end = |link: &PathBuf| {
        let link = link.to_string_lossy();
        link.starts_with("socket:") || link.starts_with("pipe:")
    };
    links.filter(is_end).count()
}

/// In a process of its own, where nobody else opens any.
#[test]
fn no_descriptor_of_a_command_is_left() {
    let test = std::env::current_exe().unwrap();
    let mut alone = std::process::Command::new(test);
    alone.args(["many_commands_one_after_the_other", "--exact", "--ignored"]);
    let told = alone.output().unwrap();
    let said = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
#[ignore = "run by no_descriptor_of_a_command_is_left, in a process of its own"]
async fn many_commands_one_after_the_other() {
    let engine = engine().await;
    shell(&engine, "exit 0").await.result().await.unwrap();
    // What is let go after the first one was told of only makes this less.
    let before = open_ends();
    for _ in 0..20 {
        shell(&engine, "exit 0").await.result().await.unwrap();
    }
    let mut jobs = Vec::new();
    for _ in 0..100 {
        // Some end before whoever starts them goes on.
        jobs.push(engine.command(["true"]).await.unwrap());
    }
    for job in jobs {
        job.result().await.unwrap();
    }
    // The last one is let go just after its end is told.
    until("descriptors to be closed", || open_ends() <= before);
}

#[tokio::test]
async fn a_paused_command_stands_still_and_its_timeout_with_it() {
    let clock = Arc::new(ManualClock::default());
    let engine = Engine::open("memory:")
        .clock(Arc::clone(&clock) as _)
        .start()
        .await
        .unwrap();
    let job = engine
        .command(["sh", "-c", "echo $$; exec sleep 1000"])
        .timeout("10s")
        .await
        .unwrap();
    let pid: u32 = line(&job).await.parse().unwrap();
    assert!(job.pause().await.unwrap() && !job.pause().await.unwrap());
    while !Process(pid).is_stopped() {
        tokio::task::yield_now().await;
    }
    assert_eq!(job.why().await.unwrap().reasons, [Reason::Frozen]);
    clock.advance(Duration::from_secs(3_600));
    assert!(job.resume().await.unwrap() && !job.resume().await.unwrap());
    while Process(pid).is_stopped() {
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_secs(9));
    assert!(!job.done());
    clock.advance(Duration::from_secs(2));
    assert!(matches!(
        job.result_timeout("20s").await,
        Err(JobError::TimedOut(_))
    ));
}

#[tokio::test]
async fn a_paused_command_can_be_cancelled() {
    let engine = engine().await;
    let job = shell(
        &engine,
        "trap 'exit 0' TERM; echo $$; while :; do sleep 0.01; done",
    )
    .await;
    line(&job).await;
    job.pause().await.unwrap();
    job.cancel().await.unwrap();
    assert!(matches!(
        job.result_timeout("20s").await,
        Err(JobError::Cancelled(_))
    ));
}

#[tokio::test]
async fn a_kill_waits_for_no_grace() {
    let engine = Engine::open("memory:").grace("1h").start().await.unwrap();
    let job = shell(&engine, "trap '' TERM; echo $$; sleep 1000").await;
    let pid: u32 = line(&job).await.parse().unwrap();
    assert!(job.kill().await.unwrap());
    assert!(matches!(
        job.result_timeout("20s").await,
        Err(JobError::Cancelled(_))
    ));
    assert!(!Process(pid).lives() && !job.kill().await.unwrap());
}

#[tokio::test]
async fn only_what_runs_in_processes_can_be_paused() {
    let engine = engine().await;
    let task = engine
        .task("sits")
        .run(|(): ()| async { std::future::pending::<()>().await })
        .unwrap();
    let job = task.call(()).await.unwrap();
    while job.state().await.unwrap() != State::Running {
        tokio::task::yield_now().await;
    }
    let refused = job.pause().await.unwrap_err().to_string();
    assert!(refused.contains("runs as async"), "{refused}");
    job.cancel().await.unwrap();
    let ended = shell(&engine, "exit 0").await;
    ended.result().await.unwrap();
    assert!(
        ended
            .pause()
            .await
            .unwrap_err()
            .to_string()
            .contains("is completed: it doesn't run")
    );
}

#[tokio::test]
async fn a_command_that_prints_100_mb_is_read_back_whole() {
    let engine = engine().await;
    let script = "yes $(printf %063d 0) | head -c 100000000; echo end >&2";
    let job = shell(&engine, script).await;
    let other = shell(&engine, "echo other").await;
    let output = job.result_timeout("600s").await.unwrap();
    assert_eq!(
        (output.stdout.len(), &*output.stderr, output.cut.as_slice()),
        (1_024, "end\n", &["stdout".to_owned()][..])
    );
    let mut reader = job.open_output("stdout").await.unwrap();
    assert_eq!(reader.size(), 100_000_000);
    let (mut chunk, mut size) = (vec![0; 1 << 16], 0);
    loop {
        let length = reader.read(&mut chunk).unwrap();
        if length == 0 {
            break;
        }
        assert!(
            chunk[..length]
                .iter()
                .all(|byte| matches!(byte, b'0' | b'\n'))
        );
        size += length;
    }
    assert_eq!(size, 100_000_000);
    assert_eq!(other.result().await.unwrap().stdout, "other\n");
}

#[tokio::test]
async fn many_large_outputs_at_once_are_what_was_written_to_each() {
    let engine = engine().await;
    let script = "seq -f %099.0f 150000 & seq -f %099.0f 150000 -1 1 >&2 & wait";
    let mut jobs = Vec::new();
    for _ in 0..4 {
        jobs.push(shell(&engine, script).await);
    }
    let text = |numbers: &mut dyn Iterator<Item = u32>| {
        let lines = numbers.map(|number| format!("{number:099}\n"));
        lines.collect::<String>().into_bytes()
    };
    let expected = [
        ("stdout", text(&mut (1..=150_000))),
        ("stderr", text(&mut (1..=150_000).rev())),
    ];
    for job in jobs {
        assert_eq!(job.result_timeout("600s").await.unwrap().cut.len(), 2);
        for (name, expected) in &expected {
            let mut reader = job.open_output(name).await.unwrap();
            let mut read = Vec::new();
            reader.read_to_end(&mut read).unwrap();
            assert!(read == *expected, "{name} is another text");
        }
    }
}
