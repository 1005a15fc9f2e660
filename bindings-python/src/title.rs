//! What `ps` and `pgrep -f` show of a process that runs jobs: the arguments that it was started with, written
//! over. A write through `/proc/self/mem` would be safe, and take a tenth of the time of a whole job.

use std::sync::OnceLock;

use pyo3::prelude::*;

/// The longest title, in bytes.
#[cfg(target_os = "linux")]
const LONGEST: usize = 160;

/// Where the arguments of this process are, and of those that are forked from it: their address and how much
/// of a title they hold. None where they can't be written.
static AREA: OnceLock<Option<(usize, usize)>> = OnceLock::new();

#[cfg(not(target_os = "linux"))]
fn area() -> Option<(usize, usize)> {
    None
}

#[cfg(target_os = "linux")]
fn area() -> Option<(usize, usize)> {
    use std::fs;
    use std::os::unix::fs::FileExt;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // proc(5): these are fields 48 and 49, and the name, the second one, may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(45);
    let start: usize = fields.next()?.parse().ok()?;
    let end: usize = fields.next()?.parse().ok()?;
    let length = end.checked_sub(start).filter(|length| *length > 64)?;
    // The system says here whether there is memory that can be written. Without a NUL at its very end,
    // it shows the arguments up to their first NUL.
    let memory = fs::File::options()
        .write(true)
        .open("/proc/self/mem")
        .ok()?;
    memory.write_all_at(b"\0.", end as u64 - 2).ok()?;
    Some((start, (length - 3).min(LONGEST)))
}

/// Shows `text`, or as much of it as there is room for.
#[pyfunction]
pub(crate) fn show_title(text: &[u8]) {
    let Some((start, room)) = *AREA.get_or_init(area) else {
        return;
    };
    let shown = &text[..text.len().min(room)];
    let target = std::ptr::with_exposed_provenance_mut::<u8>(start);
    #[expect(
        unsafe_code,
        reason = "nobody lends out the memory of a program's arguments"
    )]
    // SAFETY: the system says that the arguments lie there, `room` bytes and more, and has written to
    // them at our request; they stay there as long as the process, and in those forked from it. Python has
    // copied what it needs of them, and threads that might write here at the same time there are none:
    // the interpreter is held.
    unsafe {
        for (offset, byte) in shown.iter().chain(&[0]).enumerate() {
            target.add(offset).write_volatile(*byte);
        }
    }
}
