//! Everything that this process has started and that hasn't ended, at whatever depth.

use std::collections::BTreeSet;
use std::fs;

use crate::sys;

/// Sends a signal to everything below this process, parents first, until nobody is found that hasn't
/// had it: what is started meanwhile is found in the next round.
pub(crate) fn send_to_all(signal: i32) {
    let mut had = BTreeSet::new();
    loop {
        let mut new = below(std::process::id() as i32);
        new.retain(|pid| !had.contains(pid));
        if new.is_empty() {
            return;
        }
        for pid in new {
            sys::send_signal(pid, signal);
            had.insert(pid);
        }
    }
}

/// Everything below `root`, parents before their children.
pub(crate) fn below(root: i32) -> Vec<i32> {
    let mut found = children(root);
    let mut next = 0;
    while next < found.len() {
        found.extend(children(found[next]));
        next += 1;
    }
    found
}

/// The children of a process, of all its threads.
pub(crate) fn children(pid: i32) -> Vec<i32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let lists = threads
        .flatten()
        .map(|thread| fs::read_to_string(thread.path().join("children")));
    lists.flatten().flat_map(|list| pids(&list)).collect()
}

fn pids(list: &str) -> Vec<i32> {
    list.split_whitespace().flat_map(str::parse).collect()
}
