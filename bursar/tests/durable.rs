//! `sqlite:path`: the same code, another URL, and what was accepted is there in the next program.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

use std::path::Path;

use bursar::{Durability, Engine, ErrorKind, JobError, JobFilter, State};
use bursar_testkit::Folder;

fn url(folder: &Folder, name: &str) -> String {
    format!("sqlite:{}", folder.join(name).display())
}

#[bursar::task(retries = 1)]
async fn double(number: u64) -> Result<u64, std::io::Error> {
    Ok(number * 2)
}

#[bursar::task]
async fn breaks(_number: u64) -> Result<u64, std::io::Error> {
    Err(std::io::Error::other("it broke"))
}

#[tokio::test]
async fn results_and_failures_are_read_by_the_next_engine() {
    let folder = Folder::new();
    let engine = Engine::open(url(&folder, "jobs.db")).start().await.unwrap();
    let good = engine.submit(double::call(1 << 60)).await.unwrap();
    let bad = engine.submit(breaks::call(1)).await.unwrap();
    assert_eq!(good.result().await.unwrap(), 1 << 61);
    assert!(bad.result().await.is_err());
    let ids = (good.id(), bad.id());
    engine.shutdown().await.unwrap();
    drop((engine, good, bad));

    let engine = Engine::open(url(&folder, "jobs.db")).start().await.unwrap();
    let good = engine.job(ids.0).await.unwrap().typed::<u64>();
    assert_eq!(good.result().await.unwrap(), 1 << 61);
    let bad = engine.job(ids.1).await.unwrap();
    let JobError::Failed(failure) = bad.result().await.unwrap_err() else {
        panic!("no failure");
    };
    assert!(failure.to_string().contains("it broke"), "{failure}");
    let dead = engine.count(JobFilter::default().state(State::Failed));
    assert_eq!(dead.await.unwrap(), 1);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_one_submits_the_next_one_runs() {
    let folder = Folder::new();
    let url = url(&folder, "jobs.db");
    let client = Engine::open(&*url).run(false).start().await.unwrap();
    let job = client.submit(double::call(21)).await.unwrap();
    let id = job.id();
    client.shutdown().await.unwrap();
    drop((client, job));

    let builder = Engine::open(&*url).durability(Durability::Process);
    let engine = builder.task(double::task()).start().await.unwrap();
    engine.drain().await.unwrap();
    let job = engine.job(id).await.unwrap().typed::<u64>();
    assert_eq!(job.result().await.unwrap(), 42);
    engine.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_copy_is_made_while_jobs_go_on() {
    let folder = Folder::new();
    let engine = Engine::open(url(&folder, "jobs.db")).start().await.unwrap();
    let job = engine.submit(double::call(4)).await.unwrap();
    assert_eq!(job.result().await.unwrap(), 8);
    let copy = folder.join("copy.db");
    engine.backup(&copy).await.unwrap();
    let again = engine.backup(&copy).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Conflict);
    assert!(again.to_string().contains("copy.db"), "{again}");
    let nowhere = engine.backup(folder.join("no/copy.db")).await.unwrap_err();
    assert_eq!(nowhere.kind(), ErrorKind::Unavailable);
    // Only what came before is in it.
    engine.submit(double::call(5)).await.unwrap();
    let other = Engine::open(url(&folder, "copy.db")).start().await.unwrap();
    assert_eq!(other.count(JobFilter::default()).await.unwrap(), 1);
    let copied = other.job(job.id()).await.unwrap().typed::<u64>();
    assert_eq!(copied.result().await.unwrap(), 8);
    other.shutdown().await.unwrap();
    engine.shutdown().await.unwrap();

    let memory = Engine::open("memory:").start().await.unwrap();
    let refused = memory.backup(folder.join("memory.db")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn urls_that_mean_no_file_say_what_to_write() {
    let folder = Folder::new();
    let inside = folder.path().to_str().unwrap().to_owned();
    for (url, says) in [
        ("sqlite:", "sqlite:jobs.db"),
        ("sqlite::memory:", "memory:"),
        ("sqlite:jobs.db?mode=ro", "takes none"),
        ("sqlite://jobs.db", "sqlite:jobs.db"),
        (&*format!("sqlite:{inside}"), "a folder"),
        (&*format!("sqlite:{inside}/no/jobs.db"), "make it first"),
        (&*format!("sqlite:{inside}/nul\0.db"), "NUL"),
        ("redis:here", "sqlite:path"),
    ] {
        let error = Engine::open(url).start().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{url:?}: {error}");
        assert!(error.to_string().contains(says), "{url:?}: {error}");
    }
    assert!(
        std::fs::read_dir(Path::new(&inside))
            .unwrap()
            .next()
            .is_none()
    );
}
