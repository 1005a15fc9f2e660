//! Jobs per second from many submitters at once to their recorded ends.

use std::future::IntoFuture;
use std::path::Path;
use std::time::Instant;

use bursar::{Durability, Engine, ExecutorKind};
use bursar_benches::report::{Goal, Peer, Report, median};

use tempfile::tempdir;

use crate::{JOBS_DB, Result, noop, raw, runtime};

const SUBMITTERS: usize = 64;
/// Jobs that run at once: as many as the floor has in a group.
const AT_ONCE: u32 = 1_000;

/// When a submitter goes on to its next job.
#[derive(Clone, Copy)]
enum Manner {
    /// At once: it awaits all acknowledgements together.
    Together,
    /// Once the one before is acknowledged.
    OneByOne,
}

pub(crate) fn measure(report: &Report, jobs: usize, rounds: usize) -> Result<()> {
    let contenders = [
        (Durability::Full, Manner::Together),
        (Durability::Full, Manner::OneByOne),
        (Durability::Process, Manner::Together),
    ];
    let mut rates = [const { Vec::new() }; 3];
    let mut floor = Vec::new();
    // Contenders take turns, so that whatever the machine does meets them all.
    for _ in 0..rounds {
        for ((durability, manner), rates) in contenders.iter().zip(&mut rates) {
            rates.push(round(jobs, *durability, *manner)?);
        }
        floor.push(raw::cycle(&tempdir()?.path().join(JOBS_DB), jobs)?);
    }
    let [together, one_by_one, process] = rates.map(median);
    let floor = median(floor);
    let line = |what, value, goal| {
        let name = format!("durable/rust, {what}");
        let peer = Peer {
            name: "SQLite's own cycle, full",
            value: floor,
        };
        report.line(&name, value, "jobs/s", Some(peer), goal);
    };
    let goal = Goal {
        bar: Some(0.4),
        stretch: Some(0.8),
    };
    line("full: no-ops from 64 submitters", together, goal);
    let none = Goal::default();
    line("full: each waits before its next", one_by_one, none);
    line("process: no-ops from 64 submitters", process, none);
    Ok(())
}

fn round(jobs: usize, durability: Durability, manner: Manner) -> Result<f64> {
    let folder = tempdir()?;
    runtime()?.block_on(cycle(
        &folder.path().join(JOBS_DB),
        jobs,
        durability,
        manner,
    ))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
async fn cycle(path: &Path, jobs: usize, durability: Durability, manner: Manner) -> Result<f64> {
    let url = format!("sqlite:{}", path.display());
    let engine = Engine::open(&url).durability(durability);
    let engine = engine.concurrency_of(ExecutorKind::Async, AT_ONCE).await?;
    let start = Instant::now();
    let submitters: Vec<_> = (0..SUBMITTERS)
        .map(|number| {
            let mine = jobs / SUBMITTERS + usize::from(number < jobs % SUBMITTERS);
            tokio::spawn(submitter(engine.clone(), mine, manner))
        })
        .collect();
    for submitter in submitters {
        submitter.await??;
    }
    let rate = jobs as f64 / start.elapsed().as_secs_f64();
    engine.shutdown().await?;
    Ok(rate)
}

async fn submitter(engine: Engine, jobs: usize, manner: Manner) -> Result<()> {
    let mut submitted = Vec::with_capacity(jobs);
    match manner {
        Manner::OneByOne => {
            for _ in 0..jobs {
                submitted.push(engine.submit(noop::call()).await?);
            }
        }
        Manner::Together => {
            let submits = (0..jobs).map(|_| engine.submit(noop::call()).into_future());
            // Each is on its way when it is made.
            for submit in submits.collect::<Vec<_>>() {
                submitted.push(submit.await?);
            }
        }
    }
    for job in submitted {
        job.result().await?;
    }
    Ok(())
}
