//! What a store must carry unharmed: any text in any text field, any number, any bytes.

use std::sync::Arc;
use std::time::Duration;

use bursar_core::{
    AttemptEnd, Claim, Failure, JobFilter, LogLine, NewJob, Next, NoteKind, OutcomeKind, Payload,
    Progress, Spec, State,
};

use super::probe::{Maker, Probe, job, job_of, keyed, spec};

/// Texts that break stores.
fn texts() -> Vec<String> {
    let odd = [
        "",
        " ",
        "\0",
        "a\0b",
        "../../etc/passwd",
        "\u{1b}[31mred\u{1b}[0m",
        "\r\n\t",
        "'; DROP TABLE jobs; --",
        "%_\\",
        "\"",
        "{\"a\": 1}",
        "null",
        "\u{feff}",
        "\u{202e}txt",
        "\u{fffd}\u{ffff}",
        "\u{10ffff}",
        "é",
        "e\u{301}",
        "ß",
        "SS",
        "İ",
        "a",
        "A",
        "a ",
        " a",
        "💥👩‍👩‍👧‍👦",
        "1",
        "1.0",
        "01",
        "NaN",
        "true",
        "x'00'",
        "$1",
        "?1",
        ":a",
        "@a",
    ];
    let long = ["n".repeat(1_000_000), "\u{1F600}".repeat(250_000)];
    odd.into_iter().map(str::to_owned).chain(long).collect()
}

/// Names of tasks and workers.
pub fn hostile_names_come_back_as_they_were(make: Maker<'_>) {
    let probe = Probe::new(make);
    let texts = texts();
    for text in &texts {
        let one = probe.add(job_of(spec(text)));
        let request = Claim {
            now: probe.now(),
            worker: text.as_str().into(),
            jobs: [one.sequence].into_iter().collect(),
        };
        probe.store.claim(request).wait().unwrap();
        let info = probe.get(one.id);
        assert!(*info.spec.task == **text, "a task's name was changed");
        assert!(
            info.worker.as_deref() == Some(text),
            "a worker's name was changed"
        );
    }
    for text in &texts {
        let filter = JobFilter {
            task: Some(text.as_str().into()),
            ..JobFilter::default()
        };
        assert_eq!(probe.count(filter), 1, "{:.40}", text);
    }
}

/// Unique keys: equal only where every byte is.
pub fn hostile_keys_are_told_apart(make: Maker<'_>) {
    let probe = Probe::new(make);
    let texts = texts();
    let ids: Vec<_> = texts.iter().map(|text| probe.add(keyed(text))).collect();
    assert!(
        ids.iter().all(|one| !one.deduplicated),
        "two keys became one"
    );
    for (text, first) in texts.iter().zip(&ids) {
        assert_eq!(probe.add(keyed(text)).id, first.id);
        let filter = JobFilter {
            unique: Some(text.as_str().into()),
            ..JobFilter::default()
        };
        assert_eq!(probe.count(filter), 1, "{:.40}", text);
    }
}

/// Log lines and progress messages.
pub fn hostile_notes_come_back_as_they_were(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.running(job());
    for text in texts() {
        let text: Arc<str> = text.into();
        let line = LogLine {
            at: probe.now(),
            attempt: 1,
            level: Arc::clone(&text),
            message: Arc::clone(&text),
        };
        let progress = Progress {
            percent: 100.0,
            message: Some(Arc::clone(&text)),
        };
        probe.note(one.sequence, 1, NoteKind::Log(line.clone()));
        probe.note(one.sequence, 1, NoteKind::Progress(progress.clone()));
        let info = probe.get(one.id);
        assert!(info.logs.last() == Some(&line), "a log line was changed");
        assert!(info.progress == Some(progress), "a progress was changed");
    }
}

/// What user code says when it fails.
pub fn hostile_failures_come_back_as_they_were(make: Maker<'_>) {
    let probe = Probe::new(make);
    for text in texts() {
        let one = probe.running(job());
        let failure = Failure {
            traceback: Some(text.clone()),
            ..Failure::new(text.clone(), text.clone())
        };
        let end = AttemptEnd::failed(OutcomeKind::Crashed, failure);
        probe.finish(one.sequence, 1, end, Next::End(State::Failed));
        let info = probe.get(one.id);
        let error = info.error.unwrap();
        let told = [Some(error.kind), Some(error.message), error.traceback];
        assert!(
            told.iter().all(|told| told.as_ref() == Some(&text)),
            "a failure was changed"
        );
        assert_eq!(info.outcome, Some(OutcomeKind::Crashed));
    }
}

/// The largest and smallest numbers of every field.
pub fn extreme_numbers_come_back_as_they_were(make: Maker<'_>) {
    let probe = Probe::new(make);
    for extreme in [0, 1, (1 << 53) + 1, i64::MAX as u64] {
        let time = Duration::from_micros(extreme);
        let declared = Spec {
            demand: bursar_core::Demand {
                memory: extreme,
                cpu: extreme,
                tokens: vec![("t".into(), extreme)],
            },
            limits: bursar_core::Limits {
                memory: Some(extreme),
                cpu: Some(extreme),
                cpu_action: bursar_core::CpuAction::Stop,
                cpu_time: Some(time),
                files: Some(extreme.min(u64::from(u32::MAX)) as u32),
                connections: Some(u32::MAX),
            },
            retry: bursar_core::RetryPolicy {
                retries: u32::MAX,
                delay: time,
                backoff: bursar_core::Backoff::Exponential,
            },
            timeout: Some(time),
            result_ttl: Some(Duration::from_micros(i64::MAX as u64)),
            ..spec("extreme")
        };
        let one = probe.running(job_of(declared.clone()));
        let end = AttemptEnd {
            peak_memory: Some(extreme),
            cpu_time: Some(time),
            ..AttemptEnd::completed(Payload::Null)
        };
        probe.finish(one.sequence, 1, end, Next::End(State::Completed));
        let info = probe.get(one.id);
        assert_eq!(*info.spec, declared);
        let attempt = &info.attempts[0];
        assert_eq!(
            (attempt.peak_memory, attempt.cpu_time),
            (Some(extreme), Some(time))
        );
    }
}

/// Arguments, results and checkpoints are bytes to a store.
pub fn payloads_of_any_bytes_come_back_as_they_were(make: Maker<'_>) {
    let probe = Probe::new(make);
    let every: Vec<u8> = (0..=255).collect();
    let all = [
        vec![],
        b"null".to_vec(),
        vec![0],
        vec![0xed, 0xa0, 0x80],
        every,
        vec![b'['; 1 << 20],
    ];
    for bytes in all {
        let payload = Payload::json(bytes.clone());
        let one = probe.add(NewJob {
            args: payload.clone(),
            ..job()
        });
        let args = probe.claim(&[one.sequence])[0].args.clone();
        probe.note(one.sequence, 1, NoteKind::Checkpoint(payload.clone()));
        probe.end(one.sequence, 1, Next::Requeue);
        let kept = probe.claim(&[one.sequence])[0].checkpoint.clone().unwrap();
        let end = AttemptEnd::completed(payload);
        probe.finish(one.sequence, 2, end, Next::End(State::Completed));
        let info = probe.get(one.id);
        for read in [&args, &kept, &info.args, &info.result.unwrap()] {
            assert!(
                read.as_json() == Some(&*bytes),
                "{} bytes were changed",
                bytes.len()
            );
        }
    }
}
