//! Torture: real processes on one `sqlite:` file are killed at random and at named points, and a
//! referee with witness logs of its own then checks every promise that was made to them.
//!
//! Everything random follows from one seed, which is printed. What the system does with the
//! processes does not, so that a seed replays the same choices and not the same interleaving.

pub mod child;
mod outcome;
mod part;
pub mod referee;
mod witness;

pub use outcome::{Outcome, failed};
pub use part::{Durability, Part, Role};
pub use witness::{Line, Witness, read_witness};
