//! From a URL to a store: the one place where kinds of stores are told apart.

use std::sync::Arc;

#[cfg(any(unix, windows))]
use bursar_core::{Commands, ExecutorKind};
use bursar_core::{EngineBuilder, EngineOptions, Error, MemoryOptions, MemoryStore, Result};

/// The environment variable that names the store where the program doesn't.
const VARIABLE: &str = "BURSAR_URL";

/// An engine to be, on the store behind `url`; behind `BURSAR_URL` where there is none; in memory
/// where that isn't set either.
///
/// # Errors
/// `Invalid` for a URL of no known kind; what opening the store says.
pub fn open_engine(url: Option<&str>, options: EngineOptions) -> Result<EngineBuilder> {
    let from_environment = url
        .is_none()
        .then(|| std::env::var(VARIABLE).ok())
        .flatten();
    let url = url.or(from_environment.as_deref()).unwrap_or("memory:");
    let builder = match url.split_once(':') {
        Some(("memory", "")) => Ok(memory(options)),
        #[cfg(feature = "sqlite")]
        Some(("sqlite", path)) => sqlite(path, options),
        _ => Err(unknown(url)),
    };
    builder.map(with_commands)
}

/// Programs are run alike in all languages.
#[cfg(any(unix, windows))]
fn with_commands(builder: EngineBuilder) -> EngineBuilder {
    let commands = Commands::new(builder.processes());
    builder.executor(ExecutorKind::Command, Arc::new(commands))
}

#[cfg(not(any(unix, windows)))]
fn with_commands(builder: EngineBuilder) -> EngineBuilder {
    builder
}

fn memory(options: EngineOptions) -> EngineBuilder {
    let store = MemoryStore::new(MemoryOptions {
        max_results: options.max_results as usize,
        seed: options.seed,
        ..MemoryOptions::default()
    });
    EngineBuilder::new(Arc::new(store), options)
}

#[cfg(feature = "sqlite")]
fn sqlite(path: &str, options: EngineOptions) -> Result<EngineBuilder> {
    use bursar_store_sqlite::{SqliteOptions, SqliteStore};
    check_path(path)?;
    let store = SqliteStore::open(
        path,
        SqliteOptions {
            durability: options.durability,
            seed: options.seed,
            ..SqliteOptions::default()
        },
    )?;
    let store = Arc::new(store);
    let backup = Arc::clone(&store);
    Ok(EngineBuilder::new(store, options).backup(backup))
}

/// What other programs write after `sqlite:`, and what would make a file of an odd name here.
#[cfg(feature = "sqlite")]
fn check_path(path: &str) -> Result<()> {
    if path == ":memory:" {
        return Err(Error::invalid(
            "sqlite::memory: would be lost with the process: write memory: for a store in memory",
        ));
    }
    if path.starts_with("//") {
        return Err(Error::invalid(format!(
            "\"sqlite:{path}\" is ambiguous: write sqlite:jobs.db for a file in this folder, sqlite:/folder/jobs.db for a whole path"
        )));
    }
    if let Some((file, _)) = path.split_once('?') {
        return Err(Error::invalid(format!(
            "\"sqlite:{path}\" has options, and the URL of a file takes none: write sqlite:{file}, and give options to the engine, such as durability"
        )));
    }
    Ok(())
}

fn unknown(url: &str) -> Error {
    let shown: String = url.chars().take(120).collect();
    let known = if cfg!(feature = "sqlite") {
        "memory: and sqlite:path"
    } else {
        "memory:"
    };
    Error::invalid(format!(
        "there is no store behind {shown:?}: this version knows {known}"
    ))
}
