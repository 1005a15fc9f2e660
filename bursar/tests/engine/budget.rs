//! Nothing starts that the budget can't carry, and a big job can't starve.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bursar::{Dimension, Engine, ErrorKind, JobFilter, Reason, State};

use crate::support::{Gate, frozen, in_time, reaches};

/// Bytes of memory that running jobs have reserved.
async fn reserved(engine: &Engine) -> u64 {
    let stats = engine.stats().await.unwrap();
    let memory = stats
        .budget
        .iter()
        .find(|share| share.dimension == Dimension::Memory);
    memory.unwrap().reserved
}

#[tokio::test]
async fn eight_default_jobs_fill_a_pool_and_the_ninth_says_why_it_waits() {
    let engine = Engine::open("memory:")
        .memory("256MB")
        .start()
        .await
        .unwrap();
    let gate = Gate::new();
    let inside = gate.clone();
    let hold = engine.task("hold").run(move |(): ()| {
        let gate = inside.clone();
        async move { gate.passed().await }
    });
    let hold = hold.unwrap();
    let jobs = engine
        .submit_many((0..9).map(|_| hold.call(())))
        .await
        .unwrap();
    assert_eq!(
        engine
            .count(JobFilter::default().state(State::Running))
            .await
            .unwrap(),
        8
    );
    assert_eq!(reserved(&engine).await, 256_000_000);

    let why = jobs[8].why().await.unwrap();
    let text = why.to_string();
    assert!(
        text.contains("memory: needs 32MB, 0B free of 256MB, held by hold"),
        "{text}"
    );
    let Reason::Budget {
        needs,
        free,
        total,
        held_by,
        ..
    } = &why.reasons[0]
    else {
        panic!("{why:?}");
    };
    assert_eq!(
        (*needs, *free, *total, held_by.len()),
        (32_000_000, 0, 256_000_000, 8)
    );

    gate.open();
    engine.drain().await.unwrap();
    assert_eq!(jobs[8].state().await.unwrap(), State::Completed);
    assert_eq!(reserved(&engine).await, 0);
}

#[tokio::test]
async fn a_demand_that_could_never_fit_is_refused_with_both_numbers() {
    let engine = Engine::open("memory:")
        .memory("256MB")
        .start()
        .await
        .unwrap();
    let noop = engine.task("noop").run(|(): ()| async {}).unwrap();
    let error = noop.call(()).memory("300MB").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BudgetExceeded);
    let text = error.to_string();
    assert!(text.contains("300MB") && text.contains("256MB"), "{text}");
    // A task that is too big by itself is refused in the same way, unless a job of it asks for less.
    let huge = engine.task("huge").memory("300MB").run(|(): ()| async {});
    let huge = huge.unwrap();
    let error = huge.call(()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BudgetExceeded);
    assert_eq!(engine.count(JobFilter::default()).await.unwrap(), 0);
    let small = huge.call(()).memory("1MB").await.unwrap();
    small.result().await.unwrap();
}

#[tokio::test]
async fn what_is_refused_for_the_default_memory_says_that_it_is_the_default() {
    let engine = Engine::open("memory:").memory("16MB").start().await;
    let engine = engine.unwrap();
    let silent = engine.task("silent").run(|(): ()| async {}).unwrap();
    let default = "memory 32MB, the default where it says none, and the whole budget is 16MB";
    let silent = silent.call(()).await.unwrap_err();
    assert!(silent.to_string().contains(default), "{silent}");
    let command = engine.command(["true"]).await.unwrap_err();
    assert!(command.to_string().contains(default), "{command}");
    let asks = engine.command(["true"]).memory("17MB").await.unwrap_err();
    assert!(asks.to_string().contains("17MB and the whole"), "{asks}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_big_job_behind_an_endless_stream_starts_within_the_bound() {
    const PASSES: usize = 64;
    const FEEDERS: usize = 24;
    // The clock stands still: only the number of passes can end the big job's wait.
    let (builder, _clock) = frozen();
    let engine = builder.memory("256MB").start().await.unwrap();
    let begun = Arc::new(AtomicUsize::new(0));
    let (count, seen) = (Arc::clone(&begun), Arc::clone(&begun));
    let small = engine.task("small").run(move |(): ()| {
        count.fetch_add(1, Ordering::SeqCst);
        async { tokio::task::yield_now().await }
    });
    let small = small.unwrap();
    let big = engine.task("big").memory("256MB").run(move |(): ()| {
        let begun = seen.load(Ordering::SeqCst);
        async move { begun }
    });
    let big = big.unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let feeders: Vec<_> = (0..FEEDERS)
        .map(|_| {
            let (small, stop) = (small.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    small.call(()).await.unwrap().result().await.unwrap();
                }
            })
        })
        .collect();
    for _ in 0..20 {
        let job = big.call(()).await.unwrap();
        // From its acknowledgement on: before, the scheduler need not know of it. It may have run
        // by now.
        let acknowledged = begun.load(Ordering::SeqCst);
        let begun = job.result_timeout("60s").await.unwrap();
        let passed = begun.saturating_sub(acknowledged);
        // Those that were submitted before it go first by right.
        assert!(passed <= PASSES + FEEDERS, "{passed} jobs began before it");
    }
    stop.store(true, Ordering::SeqCst);
    for feeder in feeders {
        feeder.await.unwrap();
    }
}

#[tokio::test]
async fn a_thread_that_ignores_its_cancel_keeps_its_permit() {
    let (builder, clock) = frozen();
    let engine = builder.memory("64MB").start().await.unwrap();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = Mutex::new(held);
    let (begin, mut begun) = tokio::sync::mpsc::unbounded_channel();
    let stubborn = engine
        .task("stubborn")
        .memory("64MB")
        .run_blocking(move |(): ()| {
            begin.send(()).unwrap();
            // Until the test lets go, whatever the engine asks.
            let _ = held.lock().unwrap().recv();
        });
    let job = stubborn.unwrap().call(()).await.unwrap();
    begun.recv().await.unwrap();
    let noop = engine.task("noop").run(|(): ()| async {}).unwrap();
    let waiting = noop.call(()).await.unwrap();
    assert!(job.cancel().await.unwrap());
    let error = in_time(&clock, job.result()).await.unwrap_err();
    assert!(matches!(error, bursar::JobError::Cancelled(_)), "{error}");

    assert_eq!(reserved(&engine).await, 64_000_000);
    assert_eq!(waiting.state().await.unwrap(), State::Queued);
    let why = waiting.why().await.unwrap().to_string();
    assert!(why.contains("held by stubborn"), "{why}");

    release.send(()).unwrap();
    waiting.result().await.unwrap();
    engine.drain().await.unwrap();
    assert_eq!(reserved(&engine).await, 0);
}

#[tokio::test]
async fn tokens_and_cpu_are_shared_out_too() {
    let engine = Engine::open("memory:")
        .tokens([("gpu", 1)])
        .cpu(2)
        .start()
        .await
        .unwrap();
    let gate = Gate::new();
    let inside = gate.clone();
    let train = engine
        .task("train")
        .tokens([("gpu", 1)])
        .cpu("500m")
        .run(move |(): ()| {
            let gate = inside.clone();
            async move { gate.passed().await }
        });
    let train = train.unwrap();
    let (first, second) = (train.call(()).await.unwrap(), train.call(()).await.unwrap());
    reaches(&first, State::Running).await;
    let why = second.why().await.unwrap().to_string();
    assert!(why.contains("token gpu: needs 1, 0 free of 1"), "{why}");
    let error = train.call(()).tokens([("tpu", 1)]).await.unwrap_err();
    assert!(error.to_string().contains("\"tpu\""), "{error}");
    gate.open();
    second
        .result_timeout(Duration::from_secs(60))
        .await
        .unwrap();
}
