//! The store of Bursar in one SQLite file: what was acknowledged is there after a crash.
//!
//! One thread writes. Everything that is asked while one commit is being synced goes into the next
//! one, so that many callers share a sync and a single one never waits for a timer. Another thread
//! reads, and what was acknowledged is seen by every read that begins later.

mod backup;
mod blocks;
mod books;
mod claim;
mod codes;
mod dead_letters;
mod declared;
mod ears;
mod error;
mod filesystem;
mod finish;
mod finish_run;
mod follow;
mod guard;
mod here;
mod holder;
mod hot;
mod judge;
mod lane;
mod mend;
mod note;
mod open;
mod options;
mod outputs;
mod page;
mod payload;
#[cfg(test)]
mod plans;
mod presence;
mod read;
mod reader;
mod retention;
mod row;
mod schema;
mod seat;
mod sql;
mod starts;
mod store;
mod submit;
mod timed_lock;
mod timing;
mod watch;
mod watcher;
mod writer;

pub use bursar_core::Durability;
pub use options::SqliteOptions;
pub use store::SqliteStore;
