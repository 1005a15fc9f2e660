//! Unique keys: one unfinished job each, whoever submits at once.

use std::sync::{Arc, Barrier};

use bursar_core::{JobId, Payload, State, Submission, Ticket};
use bursar_testkit::Rig;

const THREADS: usize = 8;
const ROUNDS: usize = 3_000;

#[expect(clippy::unwrap_used, reason = "a helper of tests")]
fn submit(rig: &Rig, key: &str) -> (Arc<Ticket>, bool) {
    let mut call = Submission::new(rig.plan(Default::default()), Payload::Null);
    call.unique = Some(key.into());
    let accepted = rig.engine.submit([call]).wait().unwrap();
    (Arc::clone(&accepted[0].ticket), accepted[0].deduplicated)
}

#[test]
fn three_thousand_rounds_of_eight_submits_make_one_job_each() {
    let rig = Rig::builder().slots(4).start();
    let barrier = Barrier::new(THREADS);
    let submit_all = || -> Vec<(JobId, bool)> {
        let rounds = (0..ROUNDS).map(|round| {
            barrier.wait();
            let (ticket, deduplicated) = submit(&rig, &round.to_string());
            (ticket.id(), deduplicated)
        });
        rounds.collect()
    };
    let all: Vec<Vec<(JobId, bool)>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(submit_all)).collect();
        threads.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for round in 0..ROUNDS {
        assert!(
            all.iter().all(|ids| ids[round].0 == all[0][round].0),
            "round {round}"
        );
        let made = all.iter().filter(|ids| !ids[round].1).count();
        assert_eq!(made, 1, "round {round}");
    }
    assert_eq!(rig.engine.unfinished(), ROUNDS);
}

#[test]
fn every_handle_of_a_key_is_told_though_its_job_ends_meanwhile() {
    let rig = Rig::builder().slots(4).start();
    let rig = &rig;
    std::thread::scope(|scope| {
        let run = || {
            for _ in 0..2_000 {
                let (ticket, _) = submit(rig, "k");
                if let Some(attempt) = rig.script.take() {
                    rig.script.complete(&attempt);
                }
                // Another thread may have taken its attempt, and ends it soon.
                assert_eq!(rig.final_state(&ticket), State::Completed);
            }
        };
        for _ in 0..4 {
            scope.spawn(run);
        }
    });
    bursar_testkit::until("rest", || rig.engine.unfinished() == 0);
    rig.is_at_rest();
}

#[test]
fn a_key_is_free_again_after_its_job() {
    let rig = Rig::new();
    let (first, _) = submit(&rig, "k");
    assert!(submit(&rig, "k").1);
    rig.script.complete(&rig.script.next());
    rig.final_state(&first);
    let (second, deduplicated) = submit(&rig, "k");
    assert!(!deduplicated && second.id() != first.id());
}
