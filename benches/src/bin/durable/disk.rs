//! What a sync costs on the disk that is measured.

use std::fs::File;
use std::io::{Seek, Write};
use std::time::Instant;

use bursar_benches::report::median;
use tempfile::TempDir;

/// Milliseconds that it takes to bring 4 KiB to the disk, in the median.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
pub(crate) fn sync_millis(folder: &TempDir) -> std::io::Result<f64> {
    let mut file = File::create(folder.path().join("sync"))?;
    // As SQLite's log does once it has grown, it writes over what is there.
    file.write_all(&vec![0; 500 * 4096])?;
    file.sync_all()?;
    file.rewind()?;
    let mut millis = Vec::new();
    for _ in 0..500 {
        let start = Instant::now();
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
        millis.push(start.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(median(millis))
}
