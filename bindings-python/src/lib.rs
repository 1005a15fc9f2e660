//! The native half of the Python package: `bursar._native`. It holds no rule of its own; what a job
//! may be and what becomes of it is the engine's to say.

mod call;
mod clock;
mod command;
mod current;
mod engine;
mod error;
mod events;
mod exit;
mod fork;
mod function;
mod hub;
mod info;
mod job;
mod live;
mod loops;
mod module;
mod notifier;
mod options;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(not(target_os = "linux"))]
#[path = "processes_elsewhere.rs"]
mod processes;
mod python;
mod seat;
mod stream;
mod task;
mod threads;
mod title;
mod trash;
mod wait;
