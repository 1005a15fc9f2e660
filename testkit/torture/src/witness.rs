use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use parking_lot::{Condvar, Mutex};
use rustix::time::{ClockId, clock_gettime};

/// What a process has seen, in a file of its own. A line that [`note`](Self::note) has returned
/// from is on the disk, whatever happens to the process or the machine.
#[derive(Debug)]
pub struct Witness {
    file: File,
    log: Mutex<Log>,
    synced: Condvar,
}

#[derive(Debug, Default)]
struct Log {
    written: u64,
    synced: u64,
    syncing: bool,
}

impl Witness {
    /// Opens the file, and makes it where there is none.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: OpenOptions::new().create(true).append(true).open(path)?,
            log: Mutex::default(),
            synced: Condvar::new(),
        })
    }

    /// Writes a line and waits until it is on the disk. Those who come while the disk is busy share
    /// the next sync.
    ///
    /// # Errors
    /// What the system says.
    pub fn note(&self, line: &str) -> io::Result<()> {
        let mut log = self.log.lock();
        // In the order of the times, so that the log of a process is a history.
        writeln!(&self.file, "{} {line}", micros())?;
        log.written += 1;
        let own = log.written;
        while log.synced < own {
            if log.syncing {
                self.synced.wait(&mut log);
                continue;
            }
            log.syncing = true;
            let upto = log.written;
            drop(log);
            let done = self.file.sync_data();
            log = self.log.lock();
            log.syncing = false;
            if done.is_ok() {
                log.synced = upto;
            }
            self.synced.notify_all();
            done?;
        }
        Ok(())
    }
}

/// The time since the machine was started, which is the same in every process.
fn micros() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, nanos) = (now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs());
    seconds * 1_000_000 + nanos / 1_000
}

/// A line of a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it was written, in microseconds of a clock that all processes share.
    pub at: u64,
    /// What was seen.
    pub word: String,
    /// Of what.
    pub fields: Vec<String>,
}

impl Line {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        let at = parts.next()?.parse().ok()?;
        let word = parts.next()?.to_owned();
        let fields = parts.map(str::to_owned).collect();
        Some(Self { at, word, fields })
    }

    /// One of its fields; empty where there is none.
    pub fn text(&self, index: usize) -> &str {
        self.fields.get(index).map_or("", String::as_str)
    }

    /// One of its fields as a number; 0 where it is none.
    pub fn number(&self, index: usize) -> u64 {
        self.text(index).parse().unwrap_or(0)
    }

    /// All of its fields.
    pub fn rest(&self) -> String {
        let mut rest = String::new();
        for field in &self.fields {
            // A string takes everything.
            let _ = write!(rest, "{field} ");
        }
        rest
    }
}

/// What a witness has written; a last line that was cut short is left out: nobody had returned
/// from writing it.
///
/// # Errors
/// What the system says; a witness that never began has written nothing.
pub fn read_witness(path: &Path) -> io::Result<Vec<Line>> {
    let text = match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read?,
    };
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    Ok(whole.lines().filter_map(Line::parse).collect())
}

#[cfg(test)]
mod tests {
    use bursar_testkit::Folder;

    use super::*;

    #[test]
    fn what_was_noted_is_read_but_for_a_line_that_was_cut_short() {
        let folder = Folder::new();
        let path = folder.join("witness");
        let witness = Witness::open(&path).unwrap();
        std::thread::scope(|scope| {
            for number in 0..8 {
                let witness = &witness;
                scope.spawn(move || witness.note(&format!("ack {number} -")).unwrap());
            }
        });
        write!(&witness.file, "17 ack 9").unwrap();
        let lines = read_witness(&path).unwrap();
        assert_eq!(lines.len(), 8);
        assert!(lines.is_sorted_by_key(|line| line.at));
        let mut numbers: Vec<u64> = lines.iter().map(|line| line.number(0)).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..8).collect::<Vec<_>>());
        assert!(lines.iter().all(|line| line.word == "ack"));
        assert!(read_witness(&folder.join("none")).unwrap().is_empty());
    }
}
