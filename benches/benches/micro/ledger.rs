//! The budget's book.

use bursar_core::{Amounts, Ledger};
use divan::{Bencher, black_box};

/// One permit out and back, while so many others are held.
#[divan::bench(args = [0, 100])]
fn reserve_and_release(bencher: Bencher, held: u64) {
    let demand = Amounts::from_slice(&[32, 100, 1]);
    let mut ledger = Ledger::new(Amounts::from_slice(&[32_000, 100_000, 1_000]));
    let permits: Vec<_> = (0..held)
        .map(|holder| ledger.reserve(holder, &demand).expect("the pool is larger"))
        .collect();
    bencher.bench_local(|| {
        let permit = ledger.reserve(held, black_box(&demand));
        ledger.release(permit.expect("the pool is larger"))
    });
    assert_eq!(ledger.grants().count(), permits.len());
}
