use std::time::{Duration, Instant};

/// How long a test waits for what must come: far longer than it ever takes.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `met` is true, for what no signal tells.
///
/// # Panics
/// Where that takes longer than [`PATIENCE`]: the message says `what` was waited for.
#[expect(
    clippy::disallowed_methods,
    reason = "a test's patience is real time, whatever clock the engine has"
)]
pub fn until(what: &str, mut met: impl FnMut() -> bool) {
    let start = Instant::now();
    while !met() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::yield_now();
    }
}
