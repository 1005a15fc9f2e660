//! What a command finds in its environment: little that it wasn't given on purpose.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// The variables that every command is given, where the worker has them: nothing secret stands there.
const GIVEN: [&str; 13] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "TZ",
    "TMPDIR",
    "SYSTEMROOT",
    "COMSPEC",
    "PATHEXT",
    "TEMP",
    "TMP",
];

/// The variables of a kind that every command is given: the language and its parts.
const GIVEN_KIND: &str = "LC_";

/// The whole environment of a command that asks for `wanted`: with a value, or the worker's own.
pub(crate) fn environment(wanted: &BTreeMap<String, Option<String>>) -> Vec<(OsString, OsString)> {
    let own = std::env::vars_os().filter(|(name, _)| is_given(&name.to_string_lossy()));
    let mut all: BTreeMap<OsString, OsString> = own.collect();
    for (name, value) in wanted {
        let value = value
            .as_ref()
            .map(OsString::from)
            .or_else(|| std::env::var_os(name));
        if let Some(value) = value {
            all.insert(name.into(), value);
        }
    }
    all.into_iter().collect()
}

fn is_given(name: &str) -> bool {
    let kind = name.get(..GIVEN_KIND.len());
    GIVEN.iter().any(|given| is_named(name, given))
        || kind.is_some_and(|kind| is_named(kind, GIVEN_KIND))
}

/// Whether a variable has this name: on Windows, where `Path` is `PATH`, in whatever case.
pub(super) fn is_named(variable: &str, name: &str) -> bool {
    match cfg!(windows) {
        true => variable.eq_ignore_ascii_case(name),
        false => variable == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_given_what_is_listed_and_what_was_asked_for() {
        let wanted = BTreeMap::from([
            ("GREETING".to_owned(), Some("hello".to_owned())),
            ("CARGO_MANIFEST_DIR".to_owned(), None),
            ("NOT_SET_ANYWHERE".to_owned(), None),
        ]);
        let found = environment(&wanted);
        let get = |name: &str| {
            found
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.clone())
        };
        assert_eq!(get("PATH"), std::env::var_os("PATH"));
        assert_eq!(get("GREETING"), Some("hello".into()));
        assert_eq!(
            get("CARGO_MANIFEST_DIR"),
            std::env::var_os("CARGO_MANIFEST_DIR")
        );
        assert_eq!(
            (get("NOT_SET_ANYWHERE"), get("CARGO_PKG_NAME")),
            (None, None)
        );
    }
}
