//! The files of a folder, always in the same order.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Folders that are left out: they are not sources, or change while programs run.
const SKIPPED: [&str; 5] = [".git", ".cache", "target", "node_modules", "__pycache__"];

/// A regular file.
#[derive(Clone, Debug)]
pub struct File {
    /// Where it is.
    pub full: String,
    /// Where it is from the folder, with `/`.
    pub path: String,
    /// Its bytes when it was found.
    pub size: u64,
    /// What tells its content from others: another one once the file is written anew.
    pub key: String,
}

/// Every regular file under `folder`, sorted by path. Symbolic links are not followed.
///
/// # Errors
/// Where a folder can't be read.
pub fn files(folder: &Path) -> io::Result<Vec<File>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            if kind.is_dir() && !SKIPPED.iter().any(|skipped| entry.file_name() == *skipped) {
                open.push(path);
            } else if kind.is_file() {
                found.extend(file(folder, &path, &entry.metadata()?)?);
            }
        }
    }
    found.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    Ok(found)
}

fn file(folder: &Path, path: &Path, metadata: &Metadata) -> io::Result<Option<File>> {
    let modified = metadata.modified()?.duration_since(UNIX_EPOCH);
    let (size, modified) = (metadata.len(), modified.unwrap_or_default().as_nanos());
    let named = || {
        let parts: Option<Vec<&str>> = path
            .strip_prefix(folder)
            .ok()?
            .iter()
            .map(|part| part.to_str())
            .collect();
        let full = path.to_str()?.to_owned();
        Some(File {
            key: format!("{full} {size} {modified}"),
            full,
            path: parts?.join("/"),
            size,
        })
    };
    let named = named();
    if named.is_none() {
        eprintln!(
            "left out, its path is not UTF-8: {}",
            PathBuf::from(path).display()
        );
    }
    Ok(named)
}
