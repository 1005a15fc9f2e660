//! What an error says.

use std::path::Path;

use bursar_core::{Error, ErrorKind};

/// What to do about a disk that fails.
const WAYS_OUT: [&str; 5] = [
    "free some space",
    "look at the disk",
    "look whether its folder",
    "allow it, or choose another path",
    "choose another path, or free some space",
];

/// The error says which file, what is wrong, and what to do; and that it may go by.
pub(crate) fn told(error: &Error, path: &Path) {
    let message = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{message}");
    assert!(message.contains(path.to_str().unwrap()), "{message}");
    let way_out = WAYS_OUT.iter().any(|way| message.contains(way));
    assert!(way_out, "no way out: {message}");
}
