use super::*;
use crate::{Ledger, Priority};

fn of(values: &[u64]) -> Amounts {
    Amounts::from_slice(values)
}

fn normal(sequence: u64) -> Rank {
    Rank::new(Priority::Normal, sequence)
}

fn scheduler(passes: u32) -> Scheduler {
    let patience_micros = 1_000;
    Scheduler::new(
        2,
        EscrowPolicy {
            passes,
            patience_micros,
        },
    )
}

#[test]
fn starts_the_best_ranked_job_that_fits() {
    let mut scheduler = scheduler(64);
    scheduler.insert(normal(1), &of(&[9, 0]));
    scheduler.insert(normal(2), &of(&[5, 0]));
    scheduler.insert(Rank::new(Priority::Low, 0), &of(&[1, 0]));
    scheduler.insert(Rank::new(Priority::Critical, 3), &of(&[0, 7]));
    assert_eq!(scheduler.next(&of(&[5, 0]), 0), Some(normal(2)));
    assert_eq!(
        scheduler.next(&of(&[9, 7]), 0),
        Some(Rank::new(Priority::Critical, 3))
    );
    assert_eq!(scheduler.next(&of(&[9, 7]), 0), Some(normal(1)));
    assert_eq!(
        (scheduler.len(), scheduler.next(&of(&[0, 0]), 0)),
        (1, None)
    );
}

#[test]
fn a_big_job_is_passed_k_times_and_then_held() {
    let (mut scheduler, mut ledger) = (scheduler(3), Ledger::new(of(&[8, 1])));
    let running = ledger.reserve(0, &of(&[1, 0]));
    scheduler.insert(normal(1), &of(&[8, 0]));
    (2..10).for_each(|n| scheduler.insert(normal(n), &of(&[1, 0])));
    for passed in 1..=3 {
        let rank = scheduler.next(ledger.free(), 0).unwrap();
        ledger.reserve(rank.sequence(), &of(&[1, 0])).unwrap();
        assert_eq!(scheduler.escrow().unwrap().passed, passed);
    }
    assert!(scheduler.escrow().unwrap().held);
    assert_eq!(scheduler.next(ledger.free(), 0), None);
    scheduler.insert(normal(99), &of(&[0, 1]));
    assert_eq!(scheduler.next(ledger.free(), 0), Some(normal(99)));
    let permits: Vec<_> = ledger.grants().map(|(permit, ..)| permit).collect();
    assert!(running.is_some() && permits.len() == 4);
    for permit in permits {
        assert_eq!(scheduler.next(ledger.free(), 0), None);
        ledger.release(permit);
    }
    assert_eq!(scheduler.next(ledger.free(), 0), Some(normal(1)));
    assert_eq!(scheduler.escrow(), None);
}

#[test]
fn patience_ends_before_the_passes_are_used_up() {
    let mut scheduler = scheduler(64);
    scheduler.insert(normal(1), &of(&[8, 0]));
    (2..5).for_each(|n| scheduler.insert(normal(n), &of(&[1, 0])));
    assert_eq!(scheduler.next(&of(&[7, 0]), 10), Some(normal(2)));
    assert_eq!(scheduler.next(&of(&[7, 0]), 1_009), Some(normal(3)));
    assert_eq!(scheduler.next(&of(&[7, 0]), 1_010), None);
    let view = scheduler.escrow().unwrap();
    assert_eq!((view.rank, view.demand), (normal(1), &of(&[8, 0])));
    assert_eq!((view.passed, view.since_micros, view.held), (2, 10, true));
}

#[test]
fn the_surplus_over_what_is_held_may_be_used() {
    let mut scheduler = scheduler(0);
    scheduler.insert(normal(1), &of(&[4, 2]));
    scheduler.insert(normal(2), &of(&[3, 0]));
    scheduler.insert(normal(3), &of(&[2, 0]));
    assert_eq!(scheduler.next(&of(&[6, 1]), 0), Some(normal(3)));
    assert_eq!(scheduler.next(&of(&[4, 1]), 0), None);
}

#[test]
fn no_escrow_outlives_its_job() {
    let free = of(&[7, 0]);
    let mut scheduler = scheduler(0);
    let held = |scheduler: &mut Scheduler| {
        scheduler.insert(normal(1), &of(&[8, 0]));
        scheduler.insert(normal(2), &of(&[1, 0]));
        assert_eq!(scheduler.next(&free, 0), None);
        assert!(scheduler.escrow().unwrap().held);
    };
    held(&mut scheduler);
    assert!(scheduler.remove(normal(1), &of(&[8, 0])));
    assert_eq!(scheduler.escrow(), None, "cancelled");
    assert_eq!(scheduler.next(&free, 0), Some(normal(2)));
    held(&mut scheduler);
    assert_eq!(scheduler.next(&of(&[8, 0]), 0), Some(normal(1)));
    assert_eq!(scheduler.escrow(), None, "started");
    assert_eq!(scheduler.next(&free, 0), Some(normal(2)));
}

#[test]
fn a_head_keeps_its_count_while_better_jobs_come_in_between() {
    let mut scheduler = scheduler(2);
    scheduler.insert(normal(1), &of(&[8, 0]));
    (2..9).for_each(|n| scheduler.insert(normal(n), &of(&[1, 0])));
    assert_eq!(scheduler.next(&of(&[7, 0]), 5), Some(normal(2)));
    let urgent = Rank::new(Priority::Critical, 50);
    scheduler.insert(urgent, &of(&[9, 0]));
    assert_eq!(scheduler.next(&of(&[7, 0]), 6), Some(normal(3)));
    let view = scheduler.escrow().unwrap();
    assert_eq!((view.rank, view.passed, view.held), (urgent, 1, false));
    // The urgent job may still be passed, the one below it no longer.
    assert_eq!(scheduler.next(&of(&[7, 0]), 7), None);
    assert!(scheduler.remove(urgent, &of(&[9, 0])));
    let view = scheduler.escrow().unwrap();
    assert_eq!((view.rank, view.since_micros), (normal(1), 5));
    assert!(view.held && view.passed == 2);
}

#[test]
fn a_better_job_is_not_kept_back_by_what_is_held_below_it() {
    let mut scheduler = scheduler(0);
    scheduler.insert(normal(1), &of(&[8, 0]));
    assert_eq!(scheduler.next(&of(&[7, 5]), 0), None);
    let (first, second) = (
        Rank::new(Priority::Critical, 2),
        Rank::new(Priority::High, 3),
    );
    scheduler.insert(first, &of(&[1, 9]));
    scheduler.insert(second, &of(&[6, 0]));
    assert_eq!(scheduler.next(&of(&[7, 5]), 0), Some(second));
}

#[test]
fn a_retry_with_an_older_sequence_is_ahead_again() {
    let mut scheduler = scheduler(64);
    (1..4).for_each(|n| scheduler.insert(normal(n), &of(&[1, 1])));
    let free = of(&[5, 5]);
    assert_eq!(scheduler.next(&free, 0), Some(normal(1)));
    assert_eq!(scheduler.next(&free, 0), Some(normal(2)));
    scheduler.insert(normal(1), &of(&[1, 1]));
    assert_eq!(scheduler.ahead_of(normal(3), 10), 1);
    assert_eq!(scheduler.next(&free, 0), Some(normal(1)));
    assert_eq!(scheduler.next(&free, 0), Some(normal(3)));
}

#[test]
fn counts_the_jobs_ahead_up_to_the_cap() {
    let mut scheduler = scheduler(64);
    for n in 0..1_000 {
        scheduler.insert(normal(n), &of(&[n % 7, n % 3]));
    }
    assert_eq!(scheduler.ahead_of(normal(500), 10_000), 500);
    assert_eq!(scheduler.ahead_of(normal(500), 100), 100);
    assert_eq!(scheduler.ahead_of(normal(0), 100), 0);
}

#[test]
fn what_is_not_queued_cannot_be_removed() {
    let mut scheduler = scheduler(64);
    scheduler.insert(normal(1), &of(&[1, 1]));
    assert!(!scheduler.remove(normal(1), &of(&[1, 2])));
    assert!(!scheduler.remove(normal(2), &of(&[1, 1])));
    assert!(scheduler.remove(normal(1), &of(&[1, 1])));
    assert!(!scheduler.remove(normal(1), &of(&[1, 1])) && scheduler.is_empty());
}

#[test]
fn a_demand_of_fewer_dimensions_is_the_same_with_zeros() {
    let mut scheduler = scheduler(64);
    scheduler.insert(normal(1), &of(&[1]));
    scheduler.insert(normal(2), &of(&[1, 0]));
    assert_eq!(scheduler.shapes.capacity(), 1);
    assert!(scheduler.remove(normal(2), &of(&[1])));
    assert_eq!(scheduler.next(&of(&[1, 0]), 0), Some(normal(1)));
}

#[test]
fn a_budget_without_dimensions_is_a_plain_queue() {
    let mut scheduler = Scheduler::new(0, EscrowPolicy::default());
    (0..3).for_each(|n| scheduler.insert(normal(n), &of(&[])));
    assert_eq!(scheduler.next(&of(&[]), 0), Some(normal(0)));
    assert!(scheduler.remove(normal(2), &of(&[])));
    assert_eq!(scheduler.next(&of(&[]), 0), Some(normal(1)));
    assert_eq!(scheduler.next(&of(&[]), 0), None);
}

#[test]
fn memory_stays_flat_over_a_million_shapes_used_once() {
    let mut scheduler = scheduler(64);
    let free = of(&[u64::MAX, 0]);
    for n in 0..1_000_000 {
        scheduler.insert(normal(n), &of(&[n, 0]));
        if n >= 100 {
            assert_eq!(scheduler.next(&free, n), Some(normal(n - 100)));
        }
    }
    let slots = scheduler.shapes.capacity();
    assert!(slots <= 512, "{slots} slots for 100 queued jobs");
    assert!(scheduler.tree.edges() <= 2 * slots);
}

#[test]
fn a_flood_of_shapes_is_given_back_once_it_has_run_off() {
    let mut scheduler = scheduler(64);
    (0..10_000).for_each(|n| scheduler.insert(normal(n), &of(&[n, 0])));
    assert!(scheduler.shapes.capacity() == 10_000);
    while scheduler.next(&of(&[u64::MAX, 0]), 0).is_some() {}
    assert_eq!((scheduler.len(), scheduler.shapes.capacity()), (0, 0));
    scheduler.insert(normal(1), &of(&[1, 0]));
    assert_eq!(scheduler.next(&of(&[1, 0]), 0), Some(normal(1)));
}
