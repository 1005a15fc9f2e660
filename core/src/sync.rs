//! The locks, atomics and threads of what is model-checked: the usual ones, or under `cfg(loom)`
//! those of loom, which runs a test in every order that they allow.

#[cfg(loom)]
mod modelled;

#[cfg(not(loom))]
pub(crate) use crossbeam_queue::SegQueue;
#[cfg(not(loom))]
pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};
#[cfg(not(loom))]
pub(crate) use std::{
    sync::atomic::{AtomicBool, AtomicUsize},
    thread,
};

#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicUsize};
#[cfg(loom)]
pub(crate) use modelled::{Condvar, Mutex, MutexGuard, SegQueue, thread};
