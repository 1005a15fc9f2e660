//! What ends by its timeout.

use bursar::OutcomeKind;
use bursar_benches::report::Report;

use crate::Result;
use crate::scene::{engine, row};

const ROWS: [(&str, &str); 6] = [
    ("a sleeper", "exec sleep 1000"),
    (
        "one that has exited while a child holds its output",
        "sleep 1000 & exit 0",
    ),
    (
        "one that ignores TERM",
        "trap '' TERM; while :; do sleep 1000; done",
    ),
    ("a stopped one", "kill -STOP $$; sleep 1000"),
    ("a busy loop", "while :; do :; done"),
    (
        "a daemon that ignores TERM and HUP",
        "setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 1000; done' & exec sleep 1000",
    ),
];

pub(crate) async fn measure(report: &Report, runs: usize) -> Result<()> {
    let engine = engine().await?;
    let ended = (OutcomeKind::TimedOut, "Timeout");
    for (what, script) in ROWS {
        let name = format!("matrices/timeout of 100 ms: {what}");
        row(report, runs, &name, ended, || {
            engine.command(["sh", "-c", script]).timeout("100ms")
        })
        .await?;
    }
    let name = "matrices/timeout of 100 ms: one that doesn't read 1 MB of input";
    row(report, runs, name, ended, || {
        let sleeper = engine.command(["sleep", "1000"]);
        sleeper.stdin("x".repeat(1_000_000)).timeout("100ms")
    })
    .await?;
    Ok(engine.shutdown().await?)
}
