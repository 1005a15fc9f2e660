use super::*;

fn of(values: &[u64]) -> Amounts {
    Amounts::from_slice(values)
}

fn ledger(pool: &[u64]) -> Ledger<u32> {
    Ledger::new(of(pool))
}

#[test]
fn grants_what_fits_and_nothing_more() {
    let mut ledger = ledger(&[256, 8]);
    let permits: Vec<_> = (0..9)
        .map(|job| ledger.reserve(job, &of(&[32, 1])))
        .collect();
    assert!(permits[..8].iter().all(Option::is_some) && permits[8].is_none());
    assert_eq!(ledger.granted(), &of(&[256, 8]));
    assert_eq!(ledger.free(), &of(&[0, 0]));
    assert_eq!(ledger.grants().map(|(_, job, _)| job).sum::<u32>(), 28);
}

#[test]
fn a_second_release_changes_nothing() {
    let mut ledger = ledger(&[10]);
    let first = ledger.reserve(1, &of(&[4])).unwrap();
    assert!(ledger.release(first));
    let second = ledger.reserve(2, &of(&[6])).unwrap();
    assert!(!ledger.release(first));
    assert_eq!(ledger.free(), &of(&[4]));
    assert!(ledger.release(second));
    assert_eq!(ledger.free(), ledger.pool());
    assert_eq!(ledger.grants().count(), 0);
}

#[test]
fn a_demand_that_never_fits_is_told_with_both_numbers() {
    let ledger = ledger(&[256, 8]);
    assert_eq!(ledger.could_ever_fit(&of(&[256, 8])), Ok(()));
    let shortage = ledger.could_ever_fit(&of(&[1, 300])).unwrap_err();
    assert_eq!(
        (shortage.dimension, shortage.needs, shortage.pool),
        (1, 300, 8)
    );
    assert_eq!(
        shortage.to_string(),
        "dimension 1 needs 300, the pool has 8"
    );
    let unknown = ledger.could_ever_fit(&of(&[1, 1, 1])).unwrap_err();
    assert_eq!((unknown.dimension, unknown.pool), (2, 0));
}

#[test]
fn suspend_frees_one_dimension_and_resume_takes_it_back() {
    let mut ledger = ledger(&[10, 1]);
    let parent = ledger.reserve(1, &of(&[4, 1])).unwrap();
    assert!(ledger.suspend(parent, 1) && !ledger.suspend(parent, 1));
    assert_eq!(ledger.free(), &of(&[6, 1]));
    let child = ledger.reserve(2, &of(&[4, 1])).unwrap();
    assert!(ledger.resume(parent, 1) && !ledger.resume(parent, 1));
    assert_eq!(
        (ledger.granted(), ledger.free()),
        (&of(&[8, 2]), &of(&[2, 0]))
    );
    assert!(ledger.release(child));
    assert_eq!(ledger.free(), &of(&[6, 0]), "still all in use");
    assert!(ledger.release(parent) && !ledger.resume(parent, 1));
    assert_eq!(ledger.free(), ledger.pool());
}

#[test]
fn a_suspended_grant_released_gives_back_only_what_it_holds() {
    let mut ledger = ledger(&[10, 1]);
    let parent = ledger.reserve(1, &of(&[4, 1])).unwrap();
    assert!(ledger.suspend(parent, 1) && ledger.release(parent));
    assert_eq!(
        (ledger.granted(), ledger.free()),
        (&of(&[0, 0]), &of(&[10, 1]))
    );
}

#[test]
fn dimensions_that_were_not_asked_for_cannot_be_suspended() {
    let mut ledger = ledger(&[10, 1]);
    let permit = ledger.reserve(1, &of(&[4, 0])).unwrap();
    assert!(!ledger.suspend(permit, 1) && !ledger.suspend(permit, 7));
    assert!(!ledger.resume(permit, 1) && !ledger.resume(permit, 7));
}

#[test]
fn lowering_below_use_starts_nothing_and_kills_nobody() {
    let mut ledger = ledger(&[10]);
    let permit = ledger.reserve(1, &of(&[8])).unwrap();
    ledger.resize(0, 3);
    assert_eq!((ledger.granted(), ledger.free()), (&of(&[8]), &of(&[0])));
    assert!(!ledger.fits(&of(&[1])) && ledger.fits(&of(&[0])));
    assert!(ledger.release(permit));
    assert_eq!(ledger.free(), &of(&[3]));
    ledger.resize(5, 1);
    assert_eq!(ledger.pool(), &of(&[3]));
}

#[test]
fn the_book_stays_exact_at_the_edge_of_the_numbers() {
    let mut ledger = ledger(&[u64::MAX]);
    let first = ledger.reserve(1, &of(&[u64::MAX])).unwrap();
    assert!(ledger.suspend(first, 0));
    let second = ledger.reserve(2, &of(&[u64::MAX - 1])).unwrap();
    assert!(ledger.resume(first, 0));
    assert_eq!(ledger.free(), &of(&[0]));
    assert!(ledger.release(second));
    assert_eq!(ledger.granted(), &of(&[1]));
    assert!(ledger.release(first));
    assert_eq!(ledger.free(), ledger.pool());
}

#[test]
fn what_is_passed_on_is_free_at_no_time() {
    let mut ledger = ledger(&[10, 1]);
    let first = ledger.reserve(1, &of(&[6, 1])).unwrap();
    let second = ledger.reserve(2, &of(&[0, 0])).unwrap();
    assert!(ledger.suspend(first, 1));
    assert!(ledger.pass_on(first, second));
    assert_eq!(ledger.free(), &of(&[4, 1]));
    assert!(ledger.resume(second, 1) && !ledger.resume(first, 1));
    assert_eq!(ledger.free(), &of(&[4, 0]));
    assert!(
        ledger.release(first),
        "it holds nothing, and is still there"
    );
    assert_eq!(ledger.free(), &of(&[4, 0]));
    assert!(ledger.holds(second) && !ledger.holds(first));
    for (from, to) in [(first, second), (second, first), (second, second)] {
        assert!(!ledger.pass_on(from, to));
    }
    assert!(ledger.release(second));
    assert_eq!(ledger.free(), ledger.pool());
}
