//! What hangs for one job, such as a file system that doesn't answer, holds up no other.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod disk;

use bursar::{Engine, JobError, State};
use bursar_testkit::Folder;

use disk::{DeadDisk, play};

async fn echoes(engine: &Engine) {
    let other = engine.command(["echo", "other"]).await.unwrap();
    let output = other.result_timeout("20s").await.unwrap();
    assert_eq!(output.stdout, "other\n");
}

#[test]
fn output_that_a_disk_does_not_take_holds_up_no_other_command() {
    play("output_on_a_dead_disk", &["TMPDIR"]);
}

#[tokio::test]
#[ignore = "run by output_that_a_disk_does_not_take_holds_up_no_other_command, in a world of its own"]
async fn output_on_a_dead_disk() {
    let Some(disk) = DeadDisk::here() else { return };
    let engine = Engine::open("memory:").start().await.unwrap();
    // Of an engine in memory, large output is where temporary files are.
    assert_eq!(std::env::temp_dir(), disk.place);
    let large = engine.command(["head", "-c", "20000000", "/dev/zero"]);
    let large = large.await.unwrap();
    disk.wait_for_a_victim();
    echoes(&engine).await;
    assert_eq!(large.info().await.unwrap().state, State::Running);
}

#[test]
fn a_folder_that_does_not_answer_holds_up_no_other_command() {
    play("in_a_dead_folder", &[]);
}

#[tokio::test]
#[ignore = "run by a_folder_that_does_not_answer_holds_up_no_other_command, in a world of its own"]
async fn in_a_dead_folder() {
    let Some(disk) = DeadDisk::here() else { return };
    let folder = Folder::new();
    let url = format!("sqlite:{}", folder.join("jobs.db").display());
    let engine = Engine::open(url).grace("50ms").start().await.unwrap();
    let held = engine.command(["pwd"]).cwd(disk.place.to_str().unwrap());
    let held = held.await.unwrap();
    disk.wait_for_a_victim();
    echoes(&engine).await;
    // Nobody can end it, so it is given up on.
    assert!(held.cancel().await.unwrap());
    let ended = held.result_timeout("20s").await.unwrap_err();
    assert!(matches!(ended, JobError::Cancelled(_)), "{ended:?}");
    echoes(&engine).await;
}
