//! Files stay small, and roots of modules only say what there is.

use std::fs;
use std::path::{Path, PathBuf};

use syn::Item;

use crate::workspace::{members, root};

/// The most lines a source file may have.
const MOST_LINES: usize = 500;

/// The sources of the workspace's crates, and what the bindings hold in the
/// language that they serve.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for member in members() {
        for part in ["src", "python", "ts"] {
            walk(&root().join(&member.folder).join(part), &mut found);
        }
    }
    found
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            walk(&path, found);
        } else if path
            .extension()
            .is_some_and(|ending| ["rs", "py", "pyi", "ts"].iter().any(|e| ending == *e))
        {
            found.push(path);
        }
    }
}

fn is_too_long(text: &str) -> bool {
    text.lines().count() > MOST_LINES
}

#[test]
fn no_file_is_too_long() {
    let sources = sources();
    assert!(
        sources.iter().any(|path| path.ends_with("core/src/lib.rs")),
        "found no sources"
    );
    let long = sources
        .iter()
        .filter(|path| is_too_long(&fs::read_to_string(path).unwrap()));
    assert_eq!(
        long.collect::<Vec<_>>(),
        Vec::<&PathBuf>::new(),
        "more than {MOST_LINES} lines"
    );
}

#[test]
fn a_line_too_many_is_noticed() {
    assert!(!is_too_long(&"line\n".repeat(MOST_LINES)));
    assert!(is_too_long(&"line\n".repeat(MOST_LINES + 1)));
}

/// A module's root: of a library, or of a module with files of its own. The
/// functions of a macro crate must stand in its root, so that one is let be.
fn is_root(path: &Path) -> bool {
    let named = path
        .file_name()
        .is_some_and(|name| name == "lib.rs" || name == "mod.rs");
    named && !path.ends_with("macros/src/lib.rs")
}

/// Whether the item declares or re-exports. A module written in place may, when
/// all that it holds does too.
fn only_declares(item: &Item) -> bool {
    match item {
        Item::Mod(module) => module
            .content
            .iter()
            .all(|(_, items)| items.iter().all(only_declares)),
        Item::Use(_) | Item::ExternCrate(_) => true,
        _ => false,
    }
}

fn root_only_declares(text: &str) -> bool {
    syn::parse_file(text)
        .unwrap()
        .items
        .iter()
        .all(only_declares)
}

#[test]
fn roots_of_modules_only_declare() {
    let sources = sources();
    let roots = sources.iter().filter(|path| is_root(path));
    let faulty = roots.filter(|path| !root_only_declares(&fs::read_to_string(path).unwrap()));
    assert_eq!(
        faulty.collect::<Vec<_>>(),
        Vec::<&PathBuf>::new(),
        "lib.rs and mod.rs only declare and re-export"
    );
}

#[test]
fn anything_else_in_a_root_is_noticed() {
    assert!(root_only_declares(
        "//! Docs.\n#![deny(missing_docs)]\nmod job;\npub use job::Job;"
    ));
    assert!(root_only_declares(
        "mod native { #[pymodule_export] use super::Engine; }"
    ));
    assert!(!root_only_declares("mod job; fn helper() {}"));
    assert!(!root_only_declares("mod job { pub struct Job; }"));
    assert!(!root_only_declares("pub struct Job;"));
}
