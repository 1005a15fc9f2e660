//! Where the native half takes its memory from. A job is made of a dozen small pieces that come
//! and go within microseconds, which the C library's allocator spends a third of their time on.
//!
//! It is mimalloc 2: version 3 takes the thread that loads this module for the process's own, and breaks
//! the next one once that has ended, as where only worker threads load it.

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
