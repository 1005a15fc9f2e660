//! What a zygote and its children ask of the system for themselves.

use rustix::process::{Signal, getpid, set_child_subreaper, set_parent_process_death_signal};

/// Has what this process starts come to it when whoever started it ends, instead of to the system's first
/// process; and has this process end with the thread that started it.
///
/// # Errors
/// Those of the system.
pub fn be_a_root() -> std::io::Result<()> {
    set_child_subreaper(Some(getpid()))?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}
