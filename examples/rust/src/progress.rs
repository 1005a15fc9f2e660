//! A line that shows how far the jobs are, where somebody watches.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use bursar::{Dimension, Engine, Result, State, Stats, format_size};

/// How often the line is drawn.
const PERIOD: Duration = Duration::from_millis(100);

/// The width of the bar.
const WIDTH: usize = 30;

/// Waits until every job of `engine` has ended; meanwhile shows how far the `total` are.
///
/// # Errors
/// Those of the engine.
pub async fn follow(engine: &Engine, total: usize) -> Result<()> {
    if !io::stderr().is_terminal() {
        return engine.drain().await;
    }
    let mut drained = engine.drain();
    while tokio::time::timeout(PERIOD, &mut drained).await.is_err() {
        draw(&line(&engine.stats().await?, total));
    }
    draw("");
    Ok(())
}

fn line(stats: &Stats, total: usize) -> String {
    let done = (stats.jobs.of(State::Completed) + stats.jobs.of(State::Failed)) as usize;
    let filled = WIDTH * done / total.max(1);
    let bar = format!(
        "{}{}",
        "#".repeat(filled),
        "-".repeat(WIDTH - filled.min(WIDTH))
    );
    let memory = stats
        .budget
        .iter()
        .find(|share| share.dimension == Dimension::Memory);
    let (reserved, pool) = memory.map_or((0, 0), |share| (share.reserved, share.total));
    let (reserved, pool) = (format_size(reserved), format_size(pool));
    format!("[{bar}] {done}/{total} files, {reserved} of {pool} reserved")
}

/// Draws over the line that was there. Nothing depends on whether that works.
fn draw(text: &str) {
    let mut terminal = io::stderr().lock();
    let _ = write!(terminal, "\r\x1b[K{text}").and_then(|()| terminal.flush());
}
