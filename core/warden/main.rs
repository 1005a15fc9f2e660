//! The warden: a small program that starts processes for an engine and sees to it that none of them
//! outlives it.
//!
//! It is built into the library and run from memory. Its standard input is the engine's socket: each
//! message asks for one process and brings the descriptors it takes. For each it makes a *guard*, a copy
//! of itself that starts the process, keeps its whole tree (it is the subreaper of whatever daemonises
//! itself below it), tells the engine over a socket of its own, the *leash*, what becomes of it, and ends
//! when nothing of the tree is left. A leash that is let go, in whatever way its engine ended, ends the
//! tree. The warden is the subreaper of guards that somebody killed.
//!
//! One thread, no state but what is here: so forking it is safe and costs little.

mod descendants;
mod filter;
mod guard;
#[allow(dead_code, reason = "one half of what is said is the engine's")]
mod order;
mod root;
mod sandbox;
mod scratch;
mod socket;
mod start;
mod sys;
mod title;

fn main() -> std::process::ExitCode {
    root::run()
}
