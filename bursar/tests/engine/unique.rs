//! While an unfinished job has a key, a submit with it returns that job.

use std::sync::Barrier;

use bursar::{Engine, JobFilter};

const ROUNDS: usize = 3_000;
const THREADS: usize = 8;

#[bursar::task(unique = "resize:{path}")]
async fn resize(path: String) {
    drop(path);
}

#[test]
fn eight_concurrent_submits_make_one_job_in_each_of_three_thousand_rounds() {
    let engine = Engine::open("memory:").run(false).start().wait().unwrap();
    let barrier = Barrier::new(THREADS);
    let rounds = || {
        let submit = |round: usize| {
            barrier.wait();
            let job = engine
                .submit(resize::call(format!("{round}.png")))
                .wait()
                .unwrap();
            (job.id(), job.deduplicated())
        };
        (0..ROUNDS).map(submit).collect::<Vec<_>>()
    };
    let seen: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(rounds)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for round in 0..ROUNDS {
        let in_round: Vec<_> = seen.iter().map(|thread| thread[round]).collect();
        assert!(
            in_round.iter().all(|(id, _)| *id == in_round[0].0),
            "round {round}: {in_round:?}"
        );
        let made = in_round
            .iter()
            .filter(|(_, deduplicated)| !deduplicated)
            .count();
        assert_eq!(made, 1, "round {round}: {in_round:?}");
    }
    assert_eq!(
        engine.count(JobFilter::default()).wait().unwrap(),
        ROUNDS as u64
    );
}

#[tokio::test]
async fn a_key_is_free_again_once_its_job_has_ended() {
    let engine = Engine::open("memory:").start().await.unwrap();
    let first = engine.submit(resize::call("a".into())).await.unwrap();
    first.result().await.unwrap();
    let second = engine.submit(resize::call("a".into())).await.unwrap();
    assert!(first.id() != second.id() && !second.deduplicated());
    let other = engine
        .submit(resize::call("a".into()))
        .unique("another key")
        .await
        .unwrap();
    assert_ne!(other.id(), second.id());
}
