//! What a process says that it has. It is a process of its own, in which nobody else starts any.
#![cfg(processes = "warden")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::process::{Command, Stdio};
use std::time::Duration;

use bursar_core::Mirror;

#[test]
fn a_process_says_what_it_has_unless_something_that_it_has_started_lives() {
    let mirror = Mirror::new();
    let left = mirror.left(Duration::from_millis(30)).unwrap();
    let numbers = left.chunks_exact(8).map(|bytes| bytes.try_into().unwrap());
    let numbers: Vec<_> = numbers.map(u64::from_le_bytes).collect();
    let [resident, own, cpu_time, reaped] = numbers[..] else {
        panic!("{numbers:?}");
    };
    assert!(resident > own && own > 0, "{numbers:?}");
    assert!(cpu_time > 0 && reaped == 30_000, "{numbers:?}");

    let mut cat = Command::new("/bin/cat");
    let mut cat = cat.stdin(Stdio::piped()).spawn().unwrap();
    assert_eq!(mirror.left(Duration::ZERO), None);
    cat.wait().unwrap();
    assert!(mirror.left(Duration::ZERO).is_some());
}
