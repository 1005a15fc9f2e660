//! Jobs that are submitted by the name of a task that their submitter doesn't know.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

use bursar::{Call, Engine, ErrorKind, Job, Priority, State};
use bursar_testkit::Folder;

#[bursar::task(name = "images.resize", retries = 1)]
async fn resize(path: String, width: u32) -> String {
    format!("{path} at {width}")
}

fn url(folder: &Folder) -> String {
    format!("sqlite:{}", folder.join("jobs.db").display())
}

fn call(width: u32) -> Call<String> {
    Call::named("images.resize", ("a.png", width))
}

#[tokio::test]
async fn one_engine_submits_what_another_one_runs() {
    let folder = Folder::new();
    let client = Engine::open(url(&folder)).run(false).start().await.unwrap();
    let job = client
        .submit(call(1))
        .priority(Priority::High)
        .await
        .unwrap();
    let many = client
        .submit_many([call(2), call(3).retries(5)])
        .await
        .unwrap();
    let info = many[1].info().await.unwrap();
    assert_eq!((info.state, info.spec.retry.retries), (State::Queued, 5));
    assert_eq!(job.info().await.unwrap().spec.priority, Priority::High);
    let why = job.why().await.unwrap().to_string();
    assert!(why.contains("no task \"images.resize\""), "{why}");

    let worker = Engine::open(url(&folder)).task(resize::task());
    let worker = worker.start().await.unwrap();
    assert_eq!(job.result().await.unwrap(), "a.png at 1");
    for (job, width) in many.iter().zip([2, 3]) {
        assert_eq!(job.result().await.unwrap(), format!("a.png at {width}"));
    }
    client.drain().await.unwrap();
    worker.shutdown().await.unwrap();
    client.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_job_waits_until_its_task_is_registered_here() {
    let folder = Folder::new();
    let engine = Engine::open(url(&folder)).start().await.unwrap();
    let job: Job<String> = engine.submit(call(7)).await.unwrap();
    assert_eq!(job.state().await.unwrap(), State::Queued);
    engine.register(resize::task()).unwrap();
    assert_eq!(job.result().await.unwrap(), "a.png at 7");
    // From here on the options of the task apply.
    let job = engine.submit(call(8)).await.unwrap();
    assert_eq!(job.info().await.unwrap().spec.retry.retries, 1);
    assert_eq!(job.result().await.unwrap(), "a.png at 8");
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn in_memory_nobody_else_can_run_it() {
    let engine = Engine::open("memory:").task(resize::task()).start();
    let engine = engine.await.unwrap();
    for mistaken in ["images.resise", "resize"] {
        let unknown = engine.submit(Call::<()>::named(mistaken, ()));
        let error = unknown.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        for part in ["did you mean \"images.resize\"?", "sqlite:jobs.db"] {
            assert!(error.message().contains(part), "{error}");
        }
    }
    assert_eq!(
        engine
            .submit(call(1))
            .await
            .unwrap()
            .result()
            .await
            .unwrap(),
        "a.png at 1"
    );
    engine.shutdown().await.unwrap();
}
