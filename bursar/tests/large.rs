//! Results that are too large to be held with their jobs: in files, read back whole or a piece at a time.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use bursar::{Engine, ErrorKind, Job, JobError, SPILL_ABOVE, Spilled};
use bursar_testkit::{Folder, until};

#[bursar::task]
async fn letters(count: usize) -> Result<String, std::io::Error> {
    Ok("bursar ".chars().cycle().take(count).collect())
}

/// A little more than is kept with a job, quotes and all.
const LARGE: usize = 11_000_000;

fn text() -> String {
    "bursar ".chars().cycle().take(LARGE).collect()
}

async fn open(folder: &Folder) -> Engine {
    let url = format!("sqlite:{}", folder.join("jobs.db").display());
    Engine::open(url)
        .task(letters::task())
        .start()
        .await
        .unwrap()
}

async fn file_of<T>(job: &Job<T>) -> Arc<Spilled> {
    let result = job.info().await.unwrap().result.unwrap();
    Arc::clone(result.as_spilled().unwrap())
}

async fn is_read_back(job: &Job<String>) {
    assert!(job.result().await.unwrap() == text(), "it is another text");
    assert!(job.wait().unwrap() == text(), "it is another text");
    let mut reader = job.open_result().await.unwrap();
    let (mut length, mut buffer) = (0, vec![0; 50_000]);
    loop {
        match reader.read(&mut buffer).unwrap() {
            0 => break,
            read => length += read,
        }
    }
    assert_eq!(length, LARGE + 2);
    assert_eq!(job.wait_open().unwrap().size(), LARGE as u64 + 2);
}

#[tokio::test]
async fn a_large_result_is_read_back_in_memory_and_goes_with_its_engine() {
    let engine = Engine::open("memory:").start().await.unwrap();
    let job = engine.submit(letters::call(LARGE)).await.unwrap();
    is_read_back(&job).await;
    let file = file_of(&job).await;
    let folder = file.path().parent().unwrap().to_owned();
    assert!(folder.starts_with(std::env::temp_dir()));
    engine.shutdown().await.unwrap();
    assert!(!folder.exists());
    let JobError::Bursar(error) = job.result().await.unwrap_err() else {
        panic!("no error of ours");
    };
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn small_results_are_read_in_pieces_too() {
    let engine = Engine::open("memory:").start().await.unwrap();
    for count in [0, 5, SPILL_ABOVE - 2] {
        let job = engine.submit(letters::call(count)).await.unwrap();
        let mut read = String::new();
        let mut reader = job.open_result().await.unwrap();
        reader.read_to_string(&mut read).unwrap();
        assert_eq!(read.len(), count + 2);
        let result = job.info().await.unwrap().result.unwrap();
        assert!(result.as_spilled().is_none());
    }
}

#[tokio::test]
async fn the_next_engine_reads_it_until_the_job_is_deleted() {
    let folder = Folder::new();
    let engine = open(&folder).await;
    let job = engine.submit(letters::call(LARGE)).await.unwrap();
    is_read_back(&job).await;
    let file = file_of(&job).await;
    assert_eq!(file.size(), LARGE as u64 + 2);
    assert!(file.preview_text().starts_with("\"bursar bursar "));
    assert_eq!(file.sha256_hex().len(), 64);
    engine.shutdown().await.unwrap();

    let again = open(&folder).await;
    let found = again.job(job.id()).await.unwrap().typed::<String>();
    is_read_back(&found).await;
    let mut reading = found.open_result().await.unwrap();
    found.delete().await.unwrap();
    assert!(!file.path().exists());
    // Whoever had it open reads on; who comes later is told.
    assert!(!cfg!(unix) || reading.read_to_end(&mut Vec::new()).is_ok());
    for error in [
        found.result().await.unwrap_err(),
        found.wait_open().unwrap_err(),
    ] {
        let JobError::Bursar(error) = error else {
            panic!("no error of ours");
        };
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("jobs.db-outputs"), "{error}");
    }
    again.shutdown().await.unwrap();
}

#[test]
fn a_result_waits_for_a_folder_that_can_be_written() {
    let folder = Folder::new();
    let in_the_way = folder.join("jobs.db-outputs");
    fs::write(&in_the_way, "in the way").unwrap();
    let url = format!("sqlite:{}", folder.join("jobs.db").display());
    let engine = Engine::open(url).start().wait().unwrap();
    let job = engine.submit(letters::call(LARGE)).wait().unwrap();
    let stats = || engine.stats().wait().unwrap();
    until("it says that it waits", || stats().paused.is_some());
    assert!(!job.done());
    fs::remove_file(&in_the_way).unwrap();
    assert!(job.wait().unwrap() == text(), "it is another text");
    let attempts = job.info().wait().unwrap().attempts;
    assert_eq!(attempts.len(), 1, "its work was done once");
    engine.shutdown().wait().unwrap();
}

#[tokio::test]
async fn a_damaged_file_is_told_and_named() {
    let folder = Folder::new();
    let engine = open(&folder).await;
    let job = engine.submit(letters::call(LARGE)).await.unwrap();
    job.result().await.unwrap();
    let path: PathBuf = file_of(&job).await.path();
    let mut bytes = fs::read(&path).unwrap();
    bytes[LARGE / 2] ^= 1;
    fs::write(&path, bytes).unwrap();
    let JobError::Bursar(error) = job.result().await.unwrap_err() else {
        panic!("no error of ours");
    };
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error.to_string().contains(path.to_str().unwrap()),
        "{error}"
    );
    let mut reader = job.open_result().await.unwrap();
    let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("checksum"), "{error}");
    engine.shutdown().await.unwrap();
}
