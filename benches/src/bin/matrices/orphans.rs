//! What is left of a job whose owner has ended: nothing, and how soon.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bursar::{Engine, Job};
use bursar_benches::report::{Goal, Report, median};

use crate::Result;

/// A plain child; one with a session of its own; one that was forked twice and ignores TERM and HUP; and
/// the shell itself, whose output all of them hold.
const FAMILY: &str = "trap '' TERM HUP; sleep 1000 & a=$!; setsid sleep 1000 & b=$!; \
     (setsid sh -c 'trap \"\" TERM HUP; sleep 1000 & echo $!; wait' &) | (read c; echo $$ $a $b $c); wait";

/// How an owner ends.
const ENDS: [(&str, &str); 5] = [
    ("return", "returns"),
    ("panic", "panics"),
    ("exit", "exits"),
    ("abort", "aborts"),
    ("kill", "is killed"),
];

/// No process may be left longer.
const MOST: Duration = Duration::from_secs(2);

pub(crate) fn measure(report: &Report, runs: usize) -> Result<()> {
    for (end, how) in ENDS {
        let mut times = Vec::with_capacity(runs);
        for _ in 0..runs {
            times.push(left_for(end)?);
        }
        let name = format!("matrices/orphans: the last of 4 is gone after its owner {how}");
        report.line(&name, median(times), "ms", None, Goal::default());
    }
    Ok(())
}

/// Milliseconds from the end of an owner to that of the last of its family.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
fn left_for(end: &str) -> Result<f64> {
    let mut owner = Command::new(std::env::current_exe()?)
        .args(["--owner", end])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut line = String::new();
    let output = owner.stdout.take().ok_or("no output")?;
    BufReader::new(output).read_line(&mut line)?;
    let family: Vec<u32> = line.split_whitespace().flat_map(str::parse).collect();
    if family.len() != 4 {
        return Err(format!("{end}: a family of {family:?}").into());
    }
    drop(owner.stdin.take());
    if end == "kill" {
        owner.kill()?;
    }
    owner.wait()?;
    let ended = Instant::now();
    while family.iter().any(|pid| lives(*pid)) {
        if ended.elapsed() > MOST {
            return Err(format!("{end}: some of {family:?} live").into());
        }
        std::thread::yield_now();
    }
    Ok(ended.elapsed().as_secs_f64() * 1e3)
}

fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    !(state.is_empty() || state.trim_start().starts_with('Z'))
}

/// Owns a family, says who is part of it, and ends as it was told once nothing more is said to it.
#[expect(clippy::panic, reason = "one of the ends")]
pub(crate) fn own(end: &str) -> Result<()> {
    let engine = Engine::open("memory:").grace("200ms").start().wait()?;
    let job = engine.command(["sh", "-c", FAMILY]).wait()?;
    println!("{}", bursar_benches::runtime()?.block_on(family(&job))?);
    std::io::stdin().read_line(&mut String::new())?;
    match end {
        "panic" => panic!("as asked"),
        "exit" => std::process::exit(0),
        "abort" => std::process::abort(),
        _ => {}
    }
    Ok(())
}

async fn family<T>(job: &Job<T>) -> Result<String> {
    let mut events = job.events();
    loop {
        if let Some(line) = job.logs().await?.first() {
            return Ok(line.message.to_string());
        }
        events.next().await.ok_or("it ended")?;
    }
}
