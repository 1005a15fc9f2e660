//! A burst of blocking jobs makes no thread too many. A process of its own: threads of other tests
//! that come and go would spoil the count.
#![cfg(target_os = "linux")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use bursar_core::{
    Ended, EngineBuilder, EngineOptions, ExecutorKind, Handler, MemoryStore, Payload, State,
    Submission, Task, TaskOptions, ThreadPool,
};
use bursar_testkit::{PATIENCE, until};

const SLOTS: u32 = 24;

/// How many threads of the pool this process has.
fn pool_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim() == "bursar-thread").count()
}

/// A task that waits until the test drops the sender, and how many attempts are in it.
#[expect(clippy::unwrap_used, reason = "a helper of tests")]
fn waiting_task() -> (Task, Arc<AtomicUsize>, mpsc::Sender<()>) {
    let (release, held) = mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let inside = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&inside);
    let handler = Handler::Sync(Arc::new(move |args| {
        count.fetch_add(1, Ordering::SeqCst);
        let _ = held.lock().map(|held| held.recv());
        Ended::Returned(args)
    }));
    let options = TaskOptions::default();
    let task = Task::new("task", options, ExecutorKind::Thread, handler).unwrap();
    (task, inside, release)
}

#[test]
fn a_burst_makes_no_more_threads_than_run_at_once() {
    let options = EngineOptions {
        concurrency: vec![(ExecutorKind::Thread, SLOTS)],
        ..EngineOptions::default()
    };
    let engine = EngineBuilder::new(Arc::new(MemoryStore::default()), options)
        .executor(ExecutorKind::Thread, Arc::new(ThreadPool::new()))
        .start()
        .unwrap();
    let (task, inside, release) = waiting_task();
    let plan = engine.register(task).unwrap();
    let jobs: Vec<_> = (0..100)
        .flat_map(|_| {
            let call = Submission::new(Arc::clone(&plan), Payload::Null);
            engine.submit([call]).wait().unwrap()
        })
        .collect();
    until("every slot", || {
        inside.load(Ordering::SeqCst) == SLOTS as usize
    });
    assert_eq!(pool_threads(), SLOTS as usize);
    drop(release);
    for job in jobs {
        let end = job.ticket.wait(Some(PATIENCE));
        assert_eq!(end.map(|end| end.state), Some(State::Completed));
    }
}
