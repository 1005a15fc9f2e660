//! What it costs to look at many trees.

use std::time::Duration;

use bursar_benches::report::{Goal, Report};
use bursar_core::process::Processes;
use bursar_core::{Clock, SystemClock, Watchdog};

use crate::Result;
use crate::scene::Scene;

/// Three processes that do nothing.
const ASLEEP: [&str; 3] = ["sh", "-c", "sleep 1000 & sleep 1000 & wait"];

/// How long those sleep at a time that do next to nothing: they all have run between two looks a second.
const NAP: Duration = Duration::from_millis(500);

/// How often it is looked whether something has come about.
const POLL: Duration = Duration::from_millis(50);

pub(crate) fn measure(report: &Report, trees: usize, seconds: usize) -> Result<()> {
    let own = std::env::current_exe()?;
    let own = own.to_str().ok_or("the path of this program isn't text")?;
    let napping = [own, "--nap", "2"];
    for (rest, bar) in [(1_000, Some(1.0)), (100, None)] {
        for (tree, kind) in [(&ASLEEP, "asleep"), (&napping, "that wake at 2 Hz")] {
            let percent = percent_of_a_core(tree, trees, seconds, Duration::from_millis(rest))?;
            let goal = Goal { bar, stretch: None };
            let hertz = 1_000 / rest;
            let name =
                format!("limits/{trees} trees of 3 processes {kind}, at {hertz} Hz: processor");
            report.line(&name, percent, "%", None, goal);
        }
    }
    Ok(())
}

/// Starts so many others that do the same, and wakes again and again for nothing.
pub(crate) fn nap(others: usize) -> Result<()> {
    let own = std::env::current_exe()?;
    for _ in 0..others {
        std::process::Command::new(&own)
            .args(["--nap", "0"])
            .spawn()?;
    }
    let clock = SystemClock::new();
    pass(&clock, NAP, || false);
    Ok(())
}

fn percent_of_a_core(tree: &[&str], trees: usize, seconds: usize, rest: Duration) -> Result<f64> {
    let scene = Scene::new(Processes::guarded(Watchdog::resting(rest), None), trees)?;
    let limits = [("memory", bursar_core::OptionValue::Text("64MB".into()))];
    let jobs = (0..trees).map(|_| scene.command(tree, &limits));
    let jobs = jobs.collect::<Result<Vec<_>>>()?;
    let clock = SystemClock::new();
    // All of them there, and at rest.
    let there = || scene.processes.watchdog().watched() == trees;
    pass(&clock, POLL, || there() || scene.has_ended(&jobs).is_some());
    if let Some(why) = scene.has_ended(&jobs) {
        return Err(format!("one of {trees} trees is not there: {why}").into());
    }
    let begun = clock.tick();
    pass(&clock, POLL, || {
        clock.tick().since(begun) > Duration::from_secs(4)
    });
    let (before, from) = (watchdog_time()?, clock.tick());
    let length = Duration::from_secs(seconds as u64);
    pass(&clock, POLL, || clock.tick().since(from) >= length);
    let used = watchdog_time()?.saturating_sub(before);
    let passed = clock.tick().since(from);
    scene.engine.shutdown(Some(Duration::ZERO)).wait(None);
    Ok(used.as_secs_f64() / passed.as_secs_f64() * 100.0)
}

/// Waits without taking the processor from what is measured.
fn pass(clock: &SystemClock, poll: Duration, until: impl Fn() -> bool) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let Ok(runtime) = runtime else { return };
    while !until() {
        let soon = clock.tick().after(poll);
        runtime.block_on(async { clock.wait_until(soon).await });
    }
}

/// The processor time of the watchdog's thread, to the nanosecond.
fn watchdog_time() -> Result<Duration> {
    let mut newest = Duration::ZERO;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let thread = thread?.path();
        let name = std::fs::read_to_string(thread.join("comm")).unwrap_or_default();
        if name.trim() == "bursar-watchdog" {
            let text = std::fs::read_to_string(thread.join("schedstat"))?;
            let nanos = text.split(' ').next().unwrap_or_default().parse()?;
            newest = newest.max(Duration::from_nanos(nanos));
        }
    }
    Ok(newest)
}
