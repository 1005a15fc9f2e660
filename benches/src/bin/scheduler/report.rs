//! A table for people, JSON lines for the script that collects results.

use serde_json::json;

/// The jobs and shapes that the bars below were agreed for.
const AGREED: (usize, usize) = (1_000_000, 5_000);
/// In nanoseconds.
const SUBMIT_P99: f64 = 3_000.0;
/// In nanoseconds.
const CLAIM_P99: f64 = 10_000.0;
/// What a claim may cost among ten times the jobs, as a multiple.
const DEARER_AT_MOST: f64 = 1.5;

/// Nanoseconds of one kind of call, less the clock's own.
pub(crate) struct Spread {
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
    pub(crate) mean: f64,
}

impl Spread {
    pub(crate) fn of(mut nanos: Vec<u64>, clock: u64) -> Self {
        nanos.iter_mut().for_each(|n| *n = n.saturating_sub(clock));
        nanos.sort_unstable();
        let at = |share: f64| nanos[((nanos.len() - 1) as f64 * share) as usize];
        Self {
            p50: at(0.5),
            p99: at(0.99),
            max: at(1.0),
            mean: nanos.iter().sum::<u64>() as f64 / nanos.len() as f64,
        }
    }
}

/// Prints rows as they come.
pub(crate) struct Report {
    json: bool,
}

impl Report {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) fn begin(&self, clock: u64) {
        if self.json {
            return;
        }
        println!("scheduler, 4 resources, steady state; ns per call, less {clock} ns of clock");
        println!(
            "{:>9} {:>7} | {:>6} {:>6} {:>9} | {:>6} {:>6} {:>9} {:>5} | {:>8} {:>8}",
            "jobs", "shapes", "submit", "p99", "max", "claim", "p99", "max", "none", "scan", "p99"
        );
    }

    pub(crate) fn row(
        &self,
        jobs: usize,
        shapes: usize,
        submit: &Spread,
        claim: &Spread,
        scan: &Spread,
        idle: f64,
    ) {
        if self.json {
            return row_lines(jobs, shapes, submit, claim, scan);
        }
        println!(
            "{jobs:>9} {shapes:>7} | {:>6} {:>6} {:>9} | {:>6} {:>6} {:>9} {:>4.0}% | {:>8} {:>8}",
            submit.p50,
            submit.p99,
            submit.max,
            claim.p50,
            claim.p99,
            claim.max,
            idle * 100.0,
            scan.p50,
            scan.p99
        );
    }

    /// What ten times the jobs cost.
    pub(crate) fn growth(&self, shapes: usize, few: &Spread, many: &Spread) {
        let mean = many.mean / few.mean;
        let p99 = many.p99 as f64 / few.p99 as f64;
        if self.json {
            let name = format!("scheduler/{shapes} shapes/ten times the jobs/claim");
            let bar = (shapes == AGREED.1).then_some(DEARER_AT_MOST);
            let fewer = "a tenth of the jobs";
            line(
                &format!("{name} mean"),
                many.mean,
                Some((fewer, few.mean)),
                bar,
            );
            let peer = Some((fewer, few.p99 as f64));
            line(&format!("{name} p99"), many.p99 as f64, peer, None);
        } else {
            println!("{shapes:>17} | ten times the jobs: claim mean {mean:.2}x, p99 {p99:.2}x");
        }
    }

    pub(crate) fn pingpong(&self, depth: u64, nanos: f64) {
        if self.json {
            let name = format!("scheduler/one shape, {depth} queued/insert + next");
            line(&name, nanos, None, None);
        } else {
            println!("one shape, {depth} queued: insert + next {nanos:.1} ns");
        }
    }
}

fn row_lines(jobs: usize, shapes: usize, submit: &Spread, claim: &Spread, scan: &Spread) {
    let name = format!("scheduler/{jobs} jobs/{shapes} shapes");
    let bar = |nanos| ((jobs, shapes) == AGREED).then_some(nanos);
    let (submit, claim, scan) = (submit.p99 as f64, claim.p99 as f64, scan.p99 as f64);
    line(&format!("{name}/submit p99"), submit, None, bar(SUBMIT_P99));
    line(&format!("{name}/claim p99"), claim, None, bar(CLAIM_P99));
    let name = format!("{name}/claim p99 beside a scan");
    line(
        &name,
        claim,
        Some(("linear scan of the shapes", scan)),
        None,
    );
}

/// One figure in nanoseconds; the bar is for the ratio where there is a peer, else for the figure.
fn line(name: &str, value: f64, peer: Option<(&str, f64)>, bar: Option<f64>) {
    let ratio = peer.map(|(_, peer)| value / peer);
    let (peer, peer_value) = peer.unzip();
    println!(
        "{}",
        json!({
            "name": name, "value": value, "unit": "ns", "peer": peer, "peer_value": peer_value,
            "ratio": ratio, "bar": bar, "stretch": null,
        })
    );
}
