//! How soon what must end has ended: by a timeout, by a limit, with its owner. Each row runs for real, and
//! one that ends in another way than it must is an error. Linux only.
//!
//! `cargo run --release -p bursar-benches --bin matrices [-- [--json] [--runs N]]`

#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod orphans;
#[cfg(target_os = "linux")]
mod scene;
#[cfg(target_os = "linux")]
mod timeouts;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[cfg(target_os = "linux")]
fn main() -> Result<()> {
    use bursar_benches::arguments::{given, number};

    if let Some(end) = given("--owner") {
        return orphans::own(&end);
    }
    let json = std::env::args().any(|argument| argument == "--json");
    let report = bursar_benches::report::Report::new(json);
    let runs = number("--runs", 5);
    bursar_benches::runtime()?.block_on(async {
        timeouts::measure(&report, runs).await?;
        limits::measure(&report, runs).await
    })?;
    orphans::measure(&report, runs)
}

#[cfg(not(target_os = "linux"))]
fn main() -> Result<()> {
    Err("what is isolated is measured on Linux".into())
}
