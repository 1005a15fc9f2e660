//! Signals to a process and everything that it has started, where nobody guards it by itself.

use std::collections::BTreeSet;
use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use super::Head;

/// Sends a signal to the process `head` and everything that it has started, parents first, until nobody is found that
/// hasn't had it: what is started meanwhile is found in the next round.
pub(crate) fn send_to_tree(head: Head, signal: Signal) {
    let mut had = BTreeSet::new();
    loop {
        let mut new = tree(head);
        new.retain(|pid| had.insert(*pid));
        if new.is_empty() {
            return;
        }
        for pid in new {
            send(pid, signal);
        }
    }
}

fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It fails where it has ended.
        let _ = kill_process(pid, signal);
    }
}

/// A process and everything that it has started, parents before their children.
fn tree(head: Head) -> Vec<u32> {
    let mut found = vec![head.pid];
    let adopted = head.adopter.map(children).unwrap_or_default();
    found.extend(adopted.into_iter().filter(|pid| *pid != head.pid));
    let mut next = 0;
    while next < found.len() {
        found.extend(children(found[next]));
        next += 1;
    }
    found
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let lists = threads
        .flatten()
        .flat_map(|thread| fs::read_to_string(thread.path().join("children")));
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .flat_map(str::parse)
                .collect::<Vec<u32>>()
        })
        .collect()
}

/// Whether a process stands still.
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]
pub(crate) fn is_stopped(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit_once(") ").unwrap().1.starts_with('T')
}
