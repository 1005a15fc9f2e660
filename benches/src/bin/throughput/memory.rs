//! Bytes that a queued job takes, payload aside.

use bursar::{Engine, Priority};

use crate::allocator::left_by;
use crate::{noop, runtime};
use bursar_benches::report::{Goal, Report};

pub(crate) fn measure(
    report: &Report,
    jobs: usize,
) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let runtime = runtime()?;
    runtime.block_on(async {
        // It runs nothing, so all of them stay queued; nobody holds on to them.
        let engine = Engine::open("memory:").memory("256MB").run(false).await?;
        engine.submit(noop::call()).wait()?;
        let submit = || -> bursar::Result<()> {
            for n in 0..jobs {
                let priority = Priority::ALL[n % Priority::ALL.len()];
                drop(engine.submit(noop::call()).priority(priority).wait()?);
            }
            Ok(())
        };
        let (submitted, bytes) = left_by(submit);
        submitted?;
        let goal = Goal {
            bar: Some(300.0),
            stretch: Some(200.0),
        };
        report.line(
            "rust/bytes per queued job",
            bytes as f64 / jobs as f64,
            "bytes",
            None,
            goal,
        );
        Ok(())
    })
}
