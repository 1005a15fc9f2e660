//! What one job needs of the budget.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What one job needs while it runs. It is reserved before the job starts, and what is reserved
/// is also the limit where it can be enforced.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Demand {
    /// Memory in bytes.
    pub memory: u64,
    /// Processor time per time, in thousandths of a core.
    pub cpu: u64,
    /// Named tokens, such as `gpu`, sorted by name.
    pub tokens: Vec<(Arc<str>, u64)>,
}
