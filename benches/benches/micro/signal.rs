//! What tells a caller that its job has ended.

use std::future::Future;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;

use bursar_core::Signal;
use divan::{Bencher, black_box};

/// It happens before anybody asks.
#[divan::bench]
fn set_and_get() -> Option<u32> {
    let signal = Signal::default();
    signal.set(black_box(1));
    signal.get()
}

/// A future waits for it first.
#[divan::bench]
fn wait_async_and_set() -> Poll<u32> {
    let signal = Signal::default();
    let mut context = Context::from_waker(Waker::noop());
    let mut waiting = std::pin::pin!(signal.wait_async());
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    signal.set(black_box(1));
    waiting.poll(&mut context)
}

/// A thread waits for it, another one is woken to let it happen: two wake-ups.
#[divan::bench(sample_size = 100)]
fn wait_for_another_thread(bencher: Bencher) {
    let (asked, asks) = mpsc::channel::<Arc<Signal<u32>>>();
    let other = thread::spawn(move || asks.iter().for_each(|signal| assert!(signal.set(1))));
    bencher.bench_local(|| {
        let signal = Arc::new(Signal::default());
        asked
            .send(Arc::clone(&signal))
            .expect("the other thread lives");
        signal.wait(None)
    });
    drop(asked);
    other.join().expect("the other thread has no cause to fail");
}
