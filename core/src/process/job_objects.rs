//! Processes on Windows: each tree is a Job Object, which nothing of it can leave and which the system ends
//! when the engine has ended, in whatever way.
//!
//! What is asked to end is sent CTRL_BREAK, where it shares a console with the engine; else there is nothing
//! that it could be asked by. Nothing can be frozen.

mod job_object;
mod meter;
mod starter;
#[expect(unsafe_code, reason = "the system is called here, and only here")]
mod sys;
mod tree;

pub use job_object::JobObject;
pub(crate) use meter::Meter;
pub use starter::JobObjects;
pub use tree::Tree;

/// Waits for nothing: each pipe and each process has a thread that does.
#[derive(Clone, Debug)]
pub struct Reactor {
    _private: (),
}

impl Reactor {
    /// One that waits for nothing.
    ///
    /// # Errors
    /// None.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self { _private: () })
    }
}
