//! A million jobs through one engine leave no memory behind.

#![allow(
    clippy::unwrap_used,
    reason = "a test helper that can't go on should stop the test"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};

use bursar::Engine;

/// Counts the bytes that are allocated.
struct Counting;

static LIVE: AtomicI64 = AtomicI64::new(0);

#[expect(
    unsafe_code,
    reason = "an allocator is unsafe by contract; this one adds a counter to the system's"
)]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Jobs in flight at once.
const BATCH: u64 = 10_000;

/// More than the engine's own buffers differ by; one byte per job would be as much again.
const MARGIN: i64 = 500_000;

#[bursar::task]
async fn add(a: u64, b: u64) -> u64 {
    a + b
}

async fn batches(engine: &Engine, batches: u64) {
    for _ in 0..batches {
        let calls = (0..BATCH).map(|n| add::call(n, 1));
        let jobs = engine.submit_many(calls).await.unwrap();
        for (n, job) in jobs.into_iter().enumerate() {
            assert_eq!(job.result().await.unwrap(), n as u64 + 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_flat_after_a_million_jobs() {
    let builder = Engine::open("memory:").memory("3.2GB").max_results(1_000);
    let engine = builder.start().await.unwrap();
    batches(&engine, 3).await;
    let before = LIVE.load(Ordering::Relaxed);
    batches(&engine, 1_000_000 / BATCH).await;
    let grown = LIVE.load(Ordering::Relaxed) - before;
    assert!(grown < MARGIN, "{grown} bytes more after a million jobs");
}
