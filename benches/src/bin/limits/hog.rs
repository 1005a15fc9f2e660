//! How far a target gets that takes memory as fast as it can.

use std::hint::black_box;

use bursar_benches::report::{Goal, Report, median};
use bursar_core::process::Processes;
use bursar_core::{Enforcer, Isolation, OptionValue, Watchdog};

use crate::Result;
use crate::scene::Scene;

const LIMIT: u64 = 64_000_000;
const WANTED: &str = "1500000000";

/// Takes so much memory, a megabyte at a time, and writes to every page of it.
pub(crate) fn take(bytes: usize) {
    const PIECE: usize = 1_000_000;
    let mut all = Vec::new();
    for _ in 0..bytes / PIECE {
        all.push(black_box(vec![1_u8; PIECE]));
    }
    black_box(all);
}

pub(crate) fn measure(report: &Report, runs: usize) -> Result<()> {
    let held = Processes::guarded(Watchdog::new(), Some(Enforcer::new(None)));
    let seen = Processes::guarded(Watchdog::new(), Some(Enforcer::sampling_only()));
    for (processes, isolation, bar) in [
        (held, Isolation::Rlimit, Some(1.1)),
        (seen, Isolation::Sampling, None),
    ] {
        let scene = Scene::new(processes, 1)?;
        let mut peaks = Vec::new();
        for _ in 0..runs {
            peaks.push(peak(&scene, isolation)?);
        }
        scene.engine.shutdown(None).wait(None);
        let most = peaks.iter().copied().fold(0.0, f64::max);
        let name = format!("limits/64MB, a target takes 1.5GB: peak over limit by {isolation}");
        let goal = Goal { bar, stretch: None };
        report.line(&name, median(peaks), "x", None, goal);
        let name =
            format!("limits/64MB, a target takes 1.5GB: the highest of {runs} by {isolation}");
        report.line(&name, most, "x", None, Goal::default());
    }
    Ok(())
}

/// The peak of one run, in limits.
fn peak(scene: &Scene, isolation: Isolation) -> Result<f64> {
    let own = std::env::current_exe()?;
    let own = own.to_str().ok_or("the path of this program isn't text")?;
    let limits = [("memory", OptionValue::Int(LIMIT.into()))];
    let id = scene.command(&[own, "--hog", WANTED], &limits)?;
    let mut events = scene.engine.events(Some(id));
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let info = loop {
        let info = scene.engine.info(id, false).wait()?;
        if info.state.is_terminal() {
            break info;
        }
        runtime.block_on(events.next());
    };
    let attempt = info.attempts.first().ok_or("it never ran")?;
    let outcome = attempt.outcome.map(|outcome| outcome.as_str());
    if (outcome, attempt.isolation) != (Some("memory_exceeded"), Some(isolation)) {
        return Err(format!("it ended with {outcome:?}: {:?}", attempt.error).into());
    }
    let peak = attempt.peak_memory.ok_or("nothing was seen of it")?;
    Ok(peak as f64 / LIMIT as f64)
}
