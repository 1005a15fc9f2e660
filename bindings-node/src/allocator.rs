//! Where the native half takes its memory from. A job is made of a dozen small pieces that come
//! and go within microseconds, which the C library's allocator spends a third of their time on.

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;
