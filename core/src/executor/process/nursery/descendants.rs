//! What a child has started.

use std::collections::HashSet;
use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// Sends `signal` to all that descend from `root`, which stands still: nobody is taken out of the system's
/// list then, so no number is that of another process. What was started meanwhile is found too.
pub(super) fn signal(root: Pid, signal: Signal) {
    let mut told = HashSet::new();
    loop {
        let before = told.len();
        let mut reached = vec![root];
        while let Some(parent) = reached.pop() {
            for child in children(parent) {
                if told.insert(child) {
                    // It fails for one that has ended.
                    let _ = kill_process(child, signal);
                }
                reached.push(child);
            }
        }
        if told.len() == before {
            return;
        }
    }
}

/// The children of all threads of a process: proc(5).
fn children(parent: Pid) -> Vec<Pid> {
    let threads = fs::read_dir(format!("/proc/{}/task", parent.as_raw_nonzero()));
    let threads = threads.into_iter().flatten().flatten();
    let lists =
        threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let pids = lists.flat_map(|list| {
        list.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    pids.filter_map(|pid| Pid::from_raw(pid.parse().ok()?))
        .collect()
}
