//! Runs functions of a host language in processes of their own, which are kept warm: each runs one job after
//! the other. The pool talks with them in frames and trusts them with nothing; they can be killed.

mod child;
mod fate;
mod frame;
mod frozen;
mod handing;
mod heard;
mod judged;
mod kept;
mod line;
mod link;
mod message;
mod mirror;
mod nurseries;
mod nursery;
mod orphans;
mod pace;
mod pool;
mod prefetched;
mod roster;
mod shared;
mod template;
#[cfg(test)]
mod tests;
mod turn;

pub use line::{ChildJob, ChildLine, ChildNext, ChildStop};
pub use mirror::Mirror;
pub use orphans::be_a_root;
pub use pool::{PoolOptions, ProcessPool};
pub use template::{Birth, CHILD_SOCKET, ChildTemplate};
