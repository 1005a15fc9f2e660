//! From a URL to a store: the one place where kinds of stores are told apart.

use std::sync::Arc;

use bursar_core::{EngineOptions, Error, MemoryOptions, MemoryStore, Result, Store};

/// The environment variable that names the store where the program doesn't.
const VARIABLE: &str = "BURSAR_URL";

/// Opens the store behind `url`; behind `BURSAR_URL` where there is none; in memory where that
/// isn't set either.
///
/// # Errors
/// `Invalid` for a URL of no known kind.
pub fn open_store(url: Option<&str>, options: &EngineOptions) -> Result<Arc<dyn Store>> {
    let from_environment = url
        .is_none()
        .then(|| std::env::var(VARIABLE).ok())
        .flatten();
    let url = url.or(from_environment.as_deref()).unwrap_or("memory:");
    match url.split_once(':') {
        Some(("memory", "")) => Ok(memory(options)),
        _ => Err(unknown(url)),
    }
}

fn memory(options: &EngineOptions) -> Arc<dyn Store> {
    let max_results = options.max_results as usize;
    Arc::new(MemoryStore::new(MemoryOptions {
        max_results,
        seed: options.seed,
        ..MemoryOptions::default()
    }))
}

fn unknown(url: &str) -> Error {
    let shown: String = url.chars().take(120).collect();
    Error::invalid(format!(
        "there is no store behind {shown:?}: this version knows memory:"
    ))
}
