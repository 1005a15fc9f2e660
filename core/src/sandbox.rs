//! What an attempt is kept to, besides its limits, where it runs in processes of its own.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::options::nearest;

/// The type of the failure of an attempt that was not started since its sandbox could not be had.
pub(crate) const NO_SANDBOX: &str = "SandboxUnavailable";

/// Whether an attempt has a sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxLevel {
    /// It has none.
    #[default]
    Off,
    /// It has what this system gives of one, which may be nothing: the attempt's info says what.
    BestEffort,
    /// It has a whole one, or isn't started.
    Required,
}

impl SandboxLevel {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Off, Self::BestEffort, Self::Required];

    /// Its name, in snake case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::BestEffort => "best_effort",
            Self::Required => "required",
        }
    }
}

impl fmt::Display for SandboxLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SandboxLevel {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| {
            let hint = nearest(text, Self::ALL.iter().map(|one| one.as_str()))
                .map_or_else(String::new, |near| format!(" (did you mean {near}?)"));
            let shown: String = text.chars().take(64).collect();
            Error::invalid(format!(
                "unknown level {shown:?}{hint}: use off, best_effort or required"
            ))
        })
    }
}

/// What an attempt, with everything that it starts, is kept to: it reads and runs what its user may, but
/// writes only to the folder that its command is given (`cwd`), a temporary one of its own and what is
/// named here; it has no network, no rights of a superuser, and none of the system calls that no job
/// needs. `docs/isolation-sandbox.md` says what holds where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sandbox {
    /// Whether there is one, and what happens where it can't be had.
    pub level: SandboxLevel,
    /// Files and folders, with all that is in them, that it may write to: whole paths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub write: Vec<Arc<str>>,
    /// Whether it may make sockets, to other machines and to this one's services.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub network: bool,
}

impl Sandbox {
    /// None.
    pub const OFF: Self = Self {
        level: SandboxLevel::Off,
        write: Vec::new(),
        network: false,
    };

    /// What this system gives of one.
    pub fn best_effort() -> Self {
        SandboxLevel::BestEffort.into()
    }

    /// A whole one, or no attempt is started.
    pub fn required() -> Self {
        SandboxLevel::Required.into()
    }

    /// The same, with a file or folder that it may write to, as a whole path.
    #[must_use]
    pub fn write(mut self, path: impl AsRef<str>) -> Self {
        self.write.push(path.as_ref().into());
        self
    }

    /// The same, with the network or without.
    #[must_use]
    pub fn network(mut self, allowed: bool) -> Self {
        self.network = allowed;
        self
    }

    /// Whether there is none.
    pub fn is_off(&self) -> bool {
        self.level == SandboxLevel::Off
    }

    /// Whether what it names can be.
    ///
    /// # Errors
    /// `Invalid` for a path that is not whole, or that can't be one.
    pub(crate) fn check(&self) -> Result<()> {
        self.write.iter().try_for_each(|path| {
            let wrong = if path.contains('\0') {
                "it has a NUL in it"
            } else if !Path::new(&**path).is_absolute() {
                "it is not a whole path, which is the same for every worker: write it out from its root"
            } else {
                return Ok(());
            };
            Err(Error::invalid(format!("sandbox.write: {path:?}: {wrong}")))
        })
    }

    /// Whether what it may write to is there.
    ///
    /// # Errors
    /// `Invalid` for what is not.
    pub(crate) fn check_places(&self) -> Result<()> {
        let named = self.write.iter().filter(|_| !self.is_off());
        named.into_iter().try_for_each(|path| {
            std::fs::metadata(&**path).map(drop).map_err(|error| {
                Error::invalid(format!(
                    "sandbox.write: {path:?} can't be written to: {error}; make it first"
                ))
            })
        })
    }
}

impl From<SandboxLevel> for Sandbox {
    fn from(level: SandboxLevel) -> Self {
        Self {
            level,
            ..Self::default()
        }
    }
}

/// What of a sandbox an attempt had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SandboxParts {
    /// No rights of a superuser, and no program that gives any (`no_new_privs`).
    pub no_new_privs: bool,
    /// The version of Landlock that kept it to its files, without TCP from version 4 and without signals
    /// to others from version 6; none: it was kept to nothing.
    pub landlock: Option<u8>,
    /// None of the system calls that no job needs, and no sockets.
    pub seccomp: bool,
}

impl fmt::Display for SandboxParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let landlock = self.landlock.map(|version| format!("landlock {version}"));
        let parts = [
            self.no_new_privs.then(|| "no_new_privs".to_owned()),
            landlock,
            self.seccomp.then(|| "seccomp".to_owned()),
        ];
        let had: Vec<String> = parts.into_iter().flatten().collect();
        f.write_str(if had.is_empty() { "nothing" } else { "" })?;
        f.write_str(&had.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_one_of_three_names() {
        for level in SandboxLevel::ALL {
            assert_eq!(level.as_str().parse::<SandboxLevel>().unwrap(), level);
        }
        let refused = |text: &str| text.parse::<SandboxLevel>().unwrap_err().to_string();
        let error = refused("requird");
        assert!(
            error.contains("\"requird\" (did you mean required?)"),
            "{error}"
        );
        let error = refused("yes");
        assert!(
            error.ends_with("use off, best_effort or required"),
            "{error}"
        );
    }

    #[test]
    fn only_whole_paths_are_taken() {
        let check = |path: &str| Sandbox::required().write(path).check();
        assert!(check("/var/lib/thing").is_ok());
        for (path, why) in [("out", "whole path"), ("", "whole path"), ("/a\0b", "NUL")] {
            let error = check(path).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        assert!(Sandbox::OFF.write("/no/such").check_places().is_ok());
        let missing = Sandbox::best_effort().write("/no/such").check_places();
        let error = missing.unwrap_err().to_string();
        assert!(error.contains("\"/no/such\""), "{error}");
    }

    #[test]
    fn what_was_had_is_said() {
        let all = SandboxParts {
            no_new_privs: true,
            landlock: Some(7),
            seccomp: true,
        };
        assert_eq!(all.to_string(), "no_new_privs, landlock 7, seccomp");
        assert_eq!(SandboxParts::default().to_string(), "nothing");
    }
}
