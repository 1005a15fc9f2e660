//! core

mod amounts;
mod ledger;
mod priority;
mod rank;
mod scheduler;

pub use amounts::Amounts;
pub use ledger::{Ledger, Permit, Shortage};
pub use priority::{ParsePriorityError, Priority};
pub use rank::Rank;
pub use scheduler::{EscrowPolicy, EscrowView, Scheduler};
