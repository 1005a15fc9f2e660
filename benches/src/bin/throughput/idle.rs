//! What an engine costs while it has nothing to do. Linux only: it reads /proc.

use std::fs;
use std::time::Duration;

use bursar::Engine;

use crate::noop;
use bursar_benches::report::{Goal, Report};

/// How long it is watched.
const WATCHED: Duration = Duration::from_secs(10);

/// Long enough after the last job for everything to settle down.
const SETTLED: Duration = Duration::from_secs(1);

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[expect(clippy::disallowed_methods, reason = "time is what passes here")]
pub(crate) fn measure(report: &Report) -> Result<()> {
    let engine = Engine::open("memory:").memory("256MB").start().wait()?;
    for job in engine
        .submit_many((0..1_000).map(|_| noop::call()))
        .wait()?
    {
        job.wait()?;
    }
    std::thread::sleep(SETTLED);
    let before = (wake_ups()?, processor_ticks()?);
    std::thread::sleep(WATCHED);
    // One is this thread's own.
    let wake_ups = (wake_ups()? - before.0).saturating_sub(1) as f64;
    let ticks = (processor_ticks()? - before.1) as f64;
    let seconds = WATCHED.as_secs_f64();
    let goal = Goal {
        bar: Some(1.0),
        stretch: None,
    };
    report.line(
        "rust/idle engine, wake-ups per second",
        wake_ups / seconds,
        "1/s",
        None,
        goal,
    );
    report.line(
        "rust/idle engine, processor",
        ticks / seconds,
        "%",
        None,
        Goal::default(),
    );
    engine.shutdown().wait()?;
    Ok(())
}

/// How often the threads of this process went to sleep by themselves.
fn wake_ups() -> Result<u64> {
    let mut sum = 0;
    for thread in fs::read_dir("/proc/self/task")? {
        let status = fs::read_to_string(thread?.path().join("status"))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        sum += line.unwrap_or("0").trim().parse::<u64>()?;
    }
    Ok(sum)
}

/// Processor time of this process, in hundredths of a second.
fn processor_ticks() -> Result<u64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name in parentheses may hold anything; user and system time are fields 14 and 15.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let times = fields.split_whitespace().skip(11).take(2);
    Ok(times.filter_map(|time| time.parse::<u64>().ok()).sum())
}
