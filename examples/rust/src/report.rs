//! What came of it all: the table at the end.

use std::fmt;
use std::time::Duration;

use bursar::{JobInfo, format_size};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::numbers::{hex, thousands};

/// Less than this is the time that starting takes, not a wait.
const WAITED: Duration = Duration::from_millis(1);

/// What a job gives.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Compressed {
    /// The SHA-256 of the content, in hexadecimal.
    pub sha256: String,
    /// Bytes of the content.
    pub bytes: u64,
    /// Bytes once compressed.
    pub compressed: u64,
}

/// All of them together; as JSON, what `--json` prints.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    files: usize,
    bytes: u64,
    compressed: u64,
    digest: String,
    largest_reserved: u64,
    pool: u64,
    waited: usize,
    longest_wait_seconds: f64,
}

impl Report {
    /// The report on jobs: for each its path, its result and its snapshot, sorted by path.
    pub fn new(pool: u64, jobs: &[(String, Compressed, JobInfo)]) -> Self {
        let mut all = Sha256::new();
        for (path, result, _) in jobs {
            all.update(format!("{}  {path}\n", result.sha256));
        }
        let infos: Vec<&JobInfo> = jobs.iter().map(|(_, _, info)| info).collect();
        let waits = waits(&infos);
        Self {
            files: jobs.len(),
            bytes: jobs.iter().map(|(_, result, _)| result.bytes).sum(),
            compressed: jobs.iter().map(|(_, result, _)| result.compressed).sum(),
            digest: hex(&all.finalize()),
            largest_reserved: largest_reserved(&infos),
            pool,
            waited: waits.len(),
            longest_wait_seconds: waits.iter().max().map_or(0.0, Duration::as_secs_f64),
        }
    }

    fn ratio(&self) -> f64 {
        100.0 * self.compressed as f64 / self.bytes.max(1) as f64
    }
}

/// How long each job that had to wait did so. All are submitted together, so the waiting begins
/// when the first of them starts.
fn waits(infos: &[&JobInfo]) -> Vec<Duration> {
    let first = infos.iter().filter_map(|info| info.started).min();
    let wait = |info: &&JobInfo| Some(info.started?.since(first?));
    let waits = infos.iter().filter_map(wait);
    waits.filter(|wait| *wait >= WAITED).collect()
}

/// The greatest sum of demands of jobs that ran at the same time.
fn largest_reserved(infos: &[&JobInfo]) -> u64 {
    let changes = infos.iter().flat_map(|info| {
        let memory = info.spec.demand.memory as i64;
        // At the same moment, an end comes before a start: -memory sorts first.
        [(info.finished, -memory), (info.started, memory)]
    });
    let mut changes: Vec<_> = changes.collect();
    changes.sort_unstable();
    let sums = changes.iter().scan(0, |sum, (_, change)| {
        *sum += change;
        Some(*sum)
    });
    sums.max().unwrap_or(0) as u64
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "files               {}", thousands(self.files as u64))?;
        writeln!(f, "bytes               {}", thousands(self.bytes))?;
        let compressed = thousands(self.compressed);
        writeln!(
            f,
            "compressed          {compressed} ({:.1} %)",
            self.ratio()
        )?;
        let (largest, pool) = (format_size(self.largest_reserved), format_size(self.pool));
        writeln!(f, "largest reserved    {largest} of {pool}")?;
        let (waited, longest) = (self.waited, self.longest_wait_seconds);
        writeln!(
            f,
            "waited for memory   {waited} jobs, the longest {longest:.3} s"
        )?;
        write!(f, "digest              {}", self.digest)
    }
}
