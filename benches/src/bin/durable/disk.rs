//! A folder on the disk that is measured, and what a sync costs there.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use bursar_benches::report::median;

/// A folder that goes when it goes.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> std::io::Result<Self> {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let name = format!("bursar-durable-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("jobs.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What can't be removed stays in the system's folder for such things.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Milliseconds that it takes to bring 4 KiB to the disk, in the median.
#[expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the real clock"
)]
pub(crate) fn sync_millis(folder: &Path) -> std::io::Result<f64> {
    let mut file = File::create(folder.with_file_name("sync"))?;
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
