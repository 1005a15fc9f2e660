//! The memory store, without an engine.

use std::sync::Arc;

use bursar_core::{
    AttemptEnd, Batch, Claim, Claimed, Demand, End, ExecutorKind, Fenced, Finish, FinishedAttempt,
    Limits, MemoryStore, NewJob, Next, Payload, Priority, RetryPolicy, Spec, State, Store, Submit,
    Timestamp,
};
use divan::Bencher;

use crate::CALLS;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A store, and what its users share.
struct Desk {
    store: MemoryStore,
    spec: Arc<Spec>,
    worker: Arc<str>,
    end: End,
}

impl Desk {
    fn new() -> Self {
        let spec = Spec {
            task: Arc::from("task"),
            priority: Priority::Normal,
            demand: Demand::default(),
            limits: Limits::NONE,
            sandbox: None,
            executor: ExecutorKind::Async,
            retry: RetryPolicy::default(),
            timeout: None,
            expires: None,
            result_ttl: None,
        };
        Self {
            store: MemoryStore::default(),
            spec: Arc::new(spec),
            worker: Arc::from("worker"),
            end: End::from(AttemptEnd::completed(Payload::Null)),
        }
    }

    /// Submits `count` jobs and tells their sequence numbers.
    fn submit(&self, count: usize) -> Vec<u64> {
        let job = || NewJob {
            spec: Arc::clone(&self.spec),
            args: Payload::Null,
            unique: None,
            due: None,
            worker: None,
        };
        let jobs = (0..count).map(|_| job()).collect();
        let submitted = self.store.submit(Submit { now: NOW, jobs }).wait();
        let submitted = submitted.expect("the store is open");
        submitted.iter().map(|job| job.sequence).collect()
    }

    fn claim(&self, jobs: &[u64]) -> Vec<Claimed> {
        let claim = Claim {
            now: NOW,
            worker: Arc::clone(&self.worker),
            jobs: jobs.iter().copied().collect(),
        };
        let claimed = self.store.claim(claim).wait().expect("the store is open");
        assert_eq!(claimed.len(), jobs.len());
        claimed
    }

    fn finish(&self, claimed: &[Claimed]) -> Batch<Fenced> {
        let attempts = claimed.iter().map(|job| FinishedAttempt {
            sequence: job.sequence,
            attempt: job.attempt,
            end: self.end.clone(),
            next: Next::End(State::Completed),
        });
        let finish = Finish {
            now: NOW,
            attempts: attempts.collect(),
        };
        let fenced = self.store.finish(finish).wait().expect("the store is open");
        assert!(fenced.iter().all(|fenced| *fenced == Fenced::Applied));
        fenced
    }
}

#[divan::bench(sample_size = CALLS)]
fn submit(bencher: Bencher) {
    let desk = Desk::new();
    bencher.bench_local(|| desk.submit(1));
}

#[divan::bench(sample_size = CALLS)]
fn claim(bencher: Bencher) {
    let desk = Desk::new();
    bencher
        .with_inputs(|| desk.submit(1))
        .bench_local_refs(|jobs| desk.claim(jobs));
}

#[divan::bench(sample_size = CALLS)]
fn finish(bencher: Bencher) {
    let desk = Desk::new();
    bencher
        .with_inputs(|| desk.claim(&desk.submit(1)))
        .bench_local_refs(|claimed| desk.finish(claimed));
}

/// So many jobs a request, from submit to finish; the time is that of all of them.
#[divan::bench(args = [1, 100], sample_size = 100)]
fn submit_claim_finish(bencher: Bencher, jobs: usize) {
    let desk = Desk::new();
    bencher.bench_local(|| desk.finish(&desk.claim(&desk.submit(jobs))));
}
