//! Processes that an engine starts, with everything that comes of them: each is a *tree* that can be
//! stopped, frozen and ended as a whole, and none outlives its engine, however that ends.
//!
//! They are started by the *warden*, a small program that the library carries (`warden/`, see decision
//! 13). One thread, the *reactor*, hears what becomes of all of them.

#[cfg(test)]
#[path = "../warden/filter.rs"]
mod filter;
mod launch;
#[allow(dead_code, reason = "one half of what is said is the warden's")]
#[path = "../warden/order.rs"]
mod order;
mod processes;
mod reactor;
mod signals;
mod timer;
mod title;
mod tree;
mod warden;

pub use launch::{Launch, Refusal, TreeUsage, Watch};
pub use processes::Processes;
pub use reactor::{Interest, Reactor, Readiness, Source, Token};
pub(crate) use signals::send_to_tree;
pub use timer::Timer;
pub use title::title;
pub use tree::Tree;
pub use warden::Warden;
