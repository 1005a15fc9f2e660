//! Where the native half takes its memory from. A job is made of a dozen small pieces that come
//! and go within microseconds, which the C library's allocator spends a third of their time on.
//!
//! This release of mimalloc takes the thread that loaded it for one that never ends. Where that one is a
//! worker thread, the system gives its identity to a later one, which mimalloc takes for the first and
//! has it use what was torn down with that: <https://github.com/microsoft/mimalloc/issues/1287>, mended
//! there and in no release of the crate yet. So the first thread is made to leave without tearing down.
//! Its version is pinned for as long as that is needed.
#![expect(unsafe_code, reason = "what mimalloc keeps can be reached in C only")]

use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// No thread's identity, and none of the small numbers that have a meaning.
const NOBODY: usize = usize::MAX & !0xFFFF;

/// The beginning of mimalloc's `mi_theap_t`: what a thread allocates from.
#[repr(C)]
struct Theap {
    thread: *const Thread,
}

/// The beginning of mimalloc's `mi_tld_t`.
#[repr(C)]
struct Thread {
    id: AtomicUsize,
}

unsafe extern "C" {
    static theap_main: Theap;
    fn _mi_theap_default_safe() -> *const Theap;
}

/// Dropped when the thread ends that has it, before mimalloc hears of that.
struct First;

thread_local! {
    static FIRST: First = const { First };
}

impl Drop for First {
    fn drop(&mut self) {
        // SAFETY: both are what mimalloc's own code declares them to be, and live as long as the library.
        unsafe {
            if ptr::eq(_mi_theap_default_safe(), &raw const theap_main) {
                (*theap_main.thread).id.store(NOBODY, Ordering::Relaxed);
            }
        }
    }
}

/// Marks the thread that loads the library: it is the one on which mimalloc was set up.
#[napi_derive::module_init]
fn mark_first() {
    // What was never looked at is never dropped.
    FIRST.with(|_| ());
}
