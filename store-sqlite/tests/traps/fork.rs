//! A child that was forked has the handle of its parent, but none of its threads, and connections
//! that it must not touch (sqlite.org/howtocorrupt.html, 2.6).

#![allow(unsafe_code, reason = "the standard library has no fork")]

use bursar_core::{ErrorKind, Store};
use bursar_testkit::Folder;

use crate::{open, submit};

unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(child: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(status: i32) -> !;
}

/// What `test` says in a child that is forked here.
fn in_child(test: impl FnOnce() -> bool) -> bool {
    // SAFETY: the child does nothing but `test`, which takes no lock that a thread of the parent may
    // have held, and ends without running anything of the parent's.
    let child = unsafe { fork() };
    if child == 0 {
        let fine = test();
        // SAFETY: it ends here.
        unsafe { _exit(i32::from(!fine)) }
    }
    assert!(child > 0);
    let mut status = -1;
    // SAFETY: it is our child, and `status` lives.
    let ended = unsafe { waitpid(child, &raw mut status, 0) };
    assert_eq!(ended, child);
    status == 0
}

#[test]
fn a_handle_in_a_forked_child_is_refused_and_the_parents_is_not() {
    let folder = Folder::new();
    let store = open(&folder.join("jobs.db"));
    assert_eq!(submit(&store).unwrap(), 1);
    let refused = in_child(|| {
        let refused = |error: bursar_core::Error| {
            error.kind() == ErrorKind::Conflict && error.to_string().contains("forked")
        };
        submit(&store).err().is_some_and(refused)
            && store.tally().wait().err().is_some_and(refused)
            && store.close().wait().err().is_some_and(refused)
    });
    assert!(refused, "a forked child was let in");
    // The child has ended, and taken none of its parent's locks with it.
    assert_eq!(submit(&store).unwrap(), 2);
    assert_eq!(store.tally().wait().unwrap().unfinished(), 2);
    store.close().wait().unwrap();
}
