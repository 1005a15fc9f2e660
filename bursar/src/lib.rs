//! Background jobs inside your program, within a budget.

mod url;

/// The engine room: what the bindings for other languages are built on.
pub mod core {
    pub use bursar_core::*;
}

pub use url::open_store;
