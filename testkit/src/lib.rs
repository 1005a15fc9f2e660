//! What holds Bursar to its promises: the conformance suite of stores, a rig that drives an engine
//! by hand, stores that are slow or broken, models, and the seeds that replay a random test.

pub mod conformance;
mod folder;
pub mod model;
mod patience;
mod process;
mod puppet;
mod rig;
mod script;
mod seed;
pub mod stores;

pub use folder::Folder;
pub use patience::{PATIENCE, until};
pub use process::Process;
pub use puppet::Puppet;
pub use rig::{Rig, RigBuilder, Scale};
pub use script::Script;
pub use seed::Seed;
