//! Bad input: the error names the value and the way out, and nothing half-done stays behind.

use std::collections::HashMap;

use bursar::testing::ManualClock;
use bursar::{Call, Engine, Error, ErrorKind, Job, JobFilter, JobId};

#[bursar::task]
async fn noop() {}

fn says(error: &Error, kind: ErrorKind, parts: &[&str]) {
    assert_eq!(error.kind(), kind, "{error}");
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

#[tokio::test]
async fn a_wrong_engine_option_is_told_at_start() {
    let cases = [
        (
            Engine::open("memory:").memory("64QB"),
            ["memory", "64QB", "MiB"],
        ),
        (
            Engine::open("memory:").memory(-1),
            ["memory", "-1", "at least 1"],
        ),
        (
            Engine::open("memory:").memory(0_u64),
            ["memory", "0", "at least 1"],
        ),
        (
            Engine::open("memory:").memory("1e30GB"),
            ["memory", "1e30GB", "out of range"],
        ),
        (
            Engine::open("memory:").cpu(f64::NAN),
            ["cpu", "NaN", "cores"],
        ),
        (
            Engine::open("memory:").grace("5 fortnights"),
            ["grace", "fortnights", "ms"],
        ),
        (
            Engine::open("memory:").default_timeout(-1),
            ["default_timeout", "-1", "more than 0"],
        ),
        (
            Engine::open("memory:").concurrency(0),
            ["concurrency", "0", "from 1"],
        ),
        (
            Engine::open("redis://there"),
            ["redis://there", "memory:", "store"],
        ),
        (Engine::open("memory:").name(""), ["name", "\"\"", "text"]),
    ];
    for (builder, parts) in cases {
        let error = builder.start().await.unwrap_err();
        says(&error, ErrorKind::Invalid, &parts);
    }
}

#[tokio::test]
async fn a_wrong_job_option_is_told_at_submit_and_nothing_stays() {
    let engine = Engine::open("memory:").start().await.unwrap();
    let submit = || engine.submit(noop::call());
    let cases = [
        (
            submit().priority("urgent"),
            ["priority", "urgent", "critical, high, normal or low"],
        ),
        (submit().memory("64QB"), ["memory", "64QB", "MiB"]),
        (submit().memory(-1), ["memory", "-1", "at least 1"]),
        (submit().timeout(f64::NAN), ["timeout", "NaN", "duration"]),
        (submit().delay("0s"), ["delay", "0s", "more than zero"]),
        (
            submit().backoff("linear"),
            ["backoff", "linear", "exponential or fixed"],
        ),
        (submit().unique(""), ["unique", "\"\"", "text"]),
        (submit().unique("a\0b"), ["unique", "a\\0b", "without NUL"]),
        (submit().tokens([("gpu", 0)]), ["tokens.gpu", "0", "from 1"]),
        // The first mistake is the one that is told.
        (
            submit().memory("1XB").memory("2YB"),
            ["memory", "1XB", "unit"],
        ),
    ];
    for (submit, parts) in cases {
        let error = submit.await.unwrap_err();
        says(&error, ErrorKind::Invalid, &parts);
    }
    let mixed = [noop::call(), noop::call().memory("64QB")];
    says(
        &engine.submit_many(mixed).await.unwrap_err(),
        ErrorKind::Invalid,
        &["64QB"],
    );
    assert_eq!(engine.count(JobFilter::default()).await.unwrap(), 0);
}

#[tokio::test]
async fn what_json_cannot_carry_is_told_at_submit() {
    #[bursar::task]
    async fn scale(name: String, factor: f64) {
        drop((name, factor));
    }

    #[bursar::task]
    async fn count(pairs: HashMap<(u8, u8), u32>, none: Option<u8>) {
        drop((pairs, none));
    }

    let engine = Engine::open("memory:").start().await.unwrap();
    let error = engine
        .submit(scale::call("null".into(), f64::NAN))
        .await
        .unwrap_err();
    says(&error, ErrorKind::Invalid, &["argument factor", "NaN"]);
    let pairs = HashMap::from([((1, 2), 3)]);
    let error = engine.submit(count::call(pairs, None)).await.unwrap_err();
    says(
        &error,
        ErrorKind::Invalid,
        &["argument pairs", "key must be a string"],
    );
    assert_eq!(engine.count(JobFilter::default()).await.unwrap(), 0);
    // Neither the word null nor a real one is mistaken for it.
    engine
        .submit(scale::call("null".into(), 1.0))
        .await
        .unwrap()
        .result()
        .await
        .unwrap();
    engine
        .submit(count::call(HashMap::new(), None))
        .await
        .unwrap()
        .result()
        .await
        .unwrap();

    let broken = engine
        .task("broken")
        .run(|(): ()| async { f64::INFINITY })
        .unwrap();
    let error = broken.call(()).await.unwrap().result().await.unwrap_err();
    assert!(error.to_string().contains("inf is not a number"), "{error}");
}

#[tokio::test]
async fn unknown_names_and_ids_are_not_found() {
    let engine = Engine::open("memory:").start().await.unwrap();
    engine.task("images.resize").run(|(): ()| async {}).unwrap();
    let error = engine
        .submit(Call::<()>::named("images.resise", ()))
        .await
        .unwrap_err();
    says(
        &error,
        ErrorKind::NotFound,
        &["images.resise", "did you mean \"images.resize\""],
    );
    let id: JobId = "019e9c1a-7b1c-7000-8000-00000a1b2c3d".parse().unwrap();
    says(
        &engine.job(id).await.unwrap_err(),
        ErrorKind::NotFound,
        &[&id.to_string()],
    );
    says(
        &"../etc".parse::<JobId>().unwrap_err(),
        ErrorKind::Invalid,
        &["../etc", "36 characters"],
    );
    let error = engine
        .submit(Call::<()>::named("images.resize", 5))
        .await
        .unwrap_err();
    says(&error, ErrorKind::Invalid, &["a tuple"]);
}

#[tokio::test]
async fn a_name_can_be_taken_only_once() {
    let engine = Engine::open("memory:").start().await.unwrap();
    engine.task("twice").run(|(): ()| async {}).unwrap();
    let error = engine.task("twice").run(|(): ()| async {}).unwrap_err();
    says(&error, ErrorKind::Conflict, &["twice", "another name"]);
    engine.register(noop::task()).unwrap();
    let error = engine.register(noop::task()).unwrap_err();
    says(&error, ErrorKind::Conflict, &["noop"]);
    for name in ["", "a\nb", &"x".repeat(201)] {
        let error = engine.task(name).run(|(): ()| async {}).unwrap_err();
        says(&error, ErrorKind::Invalid, &["task name", "200 bytes"]);
    }
}

#[tokio::test]
async fn a_closed_engine_says_so() {
    let clock = std::sync::Arc::new(ManualClock::default());
    let engine = Engine::open("memory:").clock(clock).start().await.unwrap();
    let job: Job<()> = engine.submit(noop::call()).await.unwrap();
    job.result().await.unwrap();
    engine.shutdown().await.unwrap();
    assert!(engine.is_closed());
    let error = engine.submit(noop::call()).await.unwrap_err();
    says(&error, ErrorKind::Closed, &["closed", "open a new one"]);
    says(
        &job.info().await.unwrap_err(),
        ErrorKind::Closed,
        &["closed"],
    );
    says(
        &engine.stats().await.unwrap_err(),
        ErrorKind::Closed,
        &["closed"],
    );
    job.result().await.unwrap();
}
