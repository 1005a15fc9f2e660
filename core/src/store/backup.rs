use std::fmt::Debug;
use std::path::Path;

use crate::store::Reply;

/// A store that can be copied while it is in use.
pub trait Backup: Debug + Send + Sync + 'static {
    /// Writes a copy of everything that was acknowledged before, in one piece and synced, to a new
    /// file. `Conflict` where there is a file; `Unavailable` where it can't be written.
    fn backup(&self, path: &Path) -> Reply<()>;
}
