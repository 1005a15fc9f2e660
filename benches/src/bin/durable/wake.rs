//! An idle worker in another process: how soon it hears of a commit, and what it costs meanwhile.

use std::io::{BufRead, BufReader, Lines, Write, stdout};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bursar::{Call, Durability, Engine};
use bursar_benches::report::{Goal, Report, median};

use tempfile::tempdir;

use crate::{JOBS_DB, Result, open, runtime};

/// The option that makes this program the worker.
pub(crate) const OPTION: &str = "--worker-on";

const TASK: &str = "wake";
const JOBS: usize = 300;
const IDLE: Duration = Duration::from_secs(10);
/// What was asked before comes to rest first.
const REST: Duration = Duration::from_secs(3);

pub(crate) fn measure(report: &Report) -> Result<()> {
    let folder = tempdir()?;
    let mut worker = Worker::start(&folder.path().join(JOBS_DB))?;
    let wake = runtime()?.block_on(wake_ups(&folder.path().join(JOBS_DB), &mut worker))?;
    pass(REST);
    let before = worker.spent()?;
    pass(IDLE);
    let after = worker.spent()?;
    drop(worker);
    let a_second = |spent: f64| spent / IDLE.as_secs_f64();
    let goal = |bar, stretch| Goal {
        bar: Some(bar),
        stretch,
    };
    let name = "durable/rust, full: a worker elsewhere runs it after the acknowledgement, p50";
    report.line(name, wake, "ms", None, goal(5.0, Some(1.0)));
    let name = "durable/an idle worker on a file, wake-ups";
    let wakes = a_second(after.wakes - before.wakes);
    report.line(name, wakes, "1/s", None, goal(5.0, Some(1.0)));
    let name = "durable/an idle worker on a file, processor";
    let busy = 100.0 * a_second(after.seconds - before.seconds);
    report.line(name, busy, "%", None, goal(0.5, None));
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "what idle time costs shows only while time passes"
)]
fn pass(time: Duration) {
    std::thread::sleep(time);
}

/// Milliseconds from a submit's acknowledgement here until the job runs there, in the median.
async fn wake_ups(path: &Path, worker: &mut Worker) -> Result<f64> {
    let url = format!("sqlite:{}", path.display());
    let engine = Engine::open(&url).run(false).await?;
    engine.task(TASK).run(|(): ()| async {})?;
    let mut millis = Vec::with_capacity(JOBS);
    for _ in 0..JOBS {
        engine.submit(Call::<()>::named(TASK, ())).await?;
        let acknowledged = micros()?;
        let began = worker.next()?;
        millis.push(began.saturating_sub(acknowledged) as f64 / 1_000.0);
        // Its end is on record before the next one comes, so that the worker is idle then.
        engine.drain().await?;
    }
    engine.shutdown().await?;
    Ok(median(millis))
}

/// Runs what others submit, and tells when each began.
pub(crate) fn listen(path: &Path) -> Result<()> {
    runtime()?.block_on(async {
        let engine = open(path, Durability::Full).await?;
        engine.task(TASK).run(|(): ()| {
            let began = micros().unwrap_or(0);
            println!("{began}");
            async {}
        })?;
        println!("0");
        stdout().flush()?;
        std::future::pending::<()>().await;
        engine.shutdown().await?;
        Ok(())
    })
}

/// The time that two processes share.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
fn micros() -> Result<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(u64::try_from(now.as_micros())?)
}

struct Worker {
    process: Child,
    told: Lines<BufReader<ChildStdout>>,
}

/// What a process has spent so far.
struct Spent {
    wakes: f64,
    seconds: f64,
}

impl Worker {
    fn start(path: &Path) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg(OPTION)
            .arg(path)
            .stdout(Stdio::piped())
            .spawn()?;
        let told = process.stdout.take().ok_or("a worker tells nothing")?;
        let told = BufReader::new(told).lines();
        let mut worker = Self { process, told };
        worker.next()?;
        Ok(worker)
    }

    fn next(&mut self) -> Result<u64> {
        let line = self.told.next().ok_or("the worker has ended")?;
        Ok(line?.parse()?)
    }

    fn spent(&self) -> Result<Spent> {
        let (mut wakes, mut nanos) = (0.0, 0.0);
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            let thread = thread?.path();
            let status = std::fs::read_to_string(thread.join("status"))?;
            let line = status
                .lines()
                .find(|line| line.starts_with("voluntary_ctxt"));
            let count = line.and_then(|line| line.split_whitespace().last());
            wakes += count.ok_or("no count of wake-ups")?.parse::<f64>()?;
            let schedule = std::fs::read_to_string(thread.join("schedstat"))?;
            let ran = schedule.split_whitespace().next();
            nanos += ran.ok_or("no processor time")?.parse::<f64>()?;
        }
        let seconds = nanos / 1e9;
        Ok(Spent { wakes, seconds })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // One that has ended already needs neither.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
