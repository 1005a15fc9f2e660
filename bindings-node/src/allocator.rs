//! Where the native half takes its memory from. A job is made of a dozen small pieces that come
//! and go within microseconds, which the C library's allocator spends a third of their time on.
//!
//! This release of mimalloc takes the thread that loaded it for one that never ends. Where that one is a
//! worker thread, the system gives its identity to a later one, which mimalloc takes for the first and
//! has it use what was torn down with that: <https://github.com/microsoft/mimalloc/issues/1287>, mended
//! there and in no release of the crate yet. So the first thread is made to leave without tearing down.
//! Its version is pinned for as long as that is needed.
#![expect(unsafe_code, reason = "what mimalloc keeps can be reached in C only")]

use std::alloc::{GlobalAlloc, Layout};
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

use libmimalloc_sys::{
    mi_free, mi_malloc, mi_malloc_aligned, mi_realloc, mi_realloc_aligned, mi_zalloc,
    mi_zalloc_aligned,
};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Asks for an alignment only where it must. mimalloc's calls with one take memory of the next larger size,
/// by a slow path and for good, for every size that is no power of two and a multiple of 16.
struct Allocator;

/// Whether whatever mimalloc gives is aligned well enough: its blocks are whole words.
const fn is_usual(layout: Layout) -> bool {
    layout.align() <= size_of::<usize>()
}

// SAFETY: these are C's rules for the functions of the same names, and mimalloc keeps them.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = layout.size();
        // SAFETY: an alignment is a power of two.
        let memory = unsafe {
            match is_usual(layout) {
                true => mi_malloc(size),
                false => mi_malloc_aligned(size, layout.align()),
            }
        };
        memory.cast()
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let size = layout.size();
        // SAFETY: as above.
        let memory = unsafe {
            match is_usual(layout) {
                true => mi_zalloc(size),
                false => mi_zalloc_aligned(size, layout.align()),
            }
        };
        memory.cast()
    }

    unsafe fn dealloc(&self, memory: *mut u8, _: Layout) {
        // SAFETY: whatever was given above can be freed so.
        unsafe { mi_free(memory.cast()) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the memory was given above, for the same alignment.
        let memory = unsafe {
            match is_usual(layout) {
                true => mi_realloc(memory.cast(), size),
                false => mi_realloc_aligned(memory.cast(), size, layout.align()),
            }
        };
        memory.cast()
    }
}

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
