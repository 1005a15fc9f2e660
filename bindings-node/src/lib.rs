//! The native half of the npm package `bursar`. It is private to the TypeScript half, which owns
//! every live object and every promise: here are only numbers of those, so that no thread but the
//! loop's ever touches what belongs to JavaScript.

// What is exported to JavaScript is left out where Rust's own tests are built.
#![cfg_attr(test, allow(dead_code))]

mod allocator;
mod asking;
mod attempt;
mod bell;
mod checks;
#[cfg(target_os = "linux")]
mod child;
mod command;
mod copying;
mod engine;
mod error;
mod exchange;
mod hiring;
mod lifecycle;
mod listener;
mod mailbox;
mod option;
mod pool;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(not(target_os = "linux"))]
#[path = "processes_elsewhere.rs"]
mod processes;
mod query;
mod seats;
mod snapshot;
mod stream;
mod submit;
mod tables;
mod token;
mod turn;
mod worker;
