//! What it costs to look at many trees of processes, and how far a target gets that takes memory as fast as
//! it can. Linux only.
//!
//! `cargo run --release -p bursar-benches --bin limits [-- [--json] [--trees N] [--seconds N] [--runs N]]`

#[cfg(target_os = "linux")]
mod hog;
#[cfg(target_os = "linux")]
mod sampling;
#[cfg(target_os = "linux")]
mod scene;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[cfg(target_os = "linux")]
fn main() -> Result<()> {
    use bursar_benches::arguments::{given, number};

    if let Some(bytes) = given("--hog") {
        hog::take(bytes.parse()?);
        return Ok(());
    }
    if let Some(others) = given("--nap") {
        return sampling::nap(others.parse()?);
    }
    let json = std::env::args().any(|argument| argument == "--json");
    let report = bursar_benches::report::Report::new(json);
    sampling::measure(&report, number("--trees", 200), number("--seconds", 10))?;
    hog::measure(&report, number("--runs", 5))
}

#[cfg(not(target_os = "linux"))]
fn main() -> Result<()> {
    Err("what processes use is looked at on Linux".into())
}
