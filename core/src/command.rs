//! Programs as jobs: what one is started with, and what it gives.

mod environment;
mod output;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf, is_separator};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::payload::Payload;

pub(crate) use environment::environment;
use environment::is_named;
pub use output::CommandOutput;

/// The task that runs programs: each engine that has an executor of commands knows it.
pub const COMMAND_TASK: &str = "bursar.command";

/// The names of what a command writes.
pub(crate) const OUTPUTS: [&str; 2] = ["stdout", "stderr"];

/// A program to run: its arguments as they are, without a shell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandCall {
    /// The program, as a path or as a name that is looked up in `PATH`, and its arguments.
    pub argv: Vec<String>,
    /// The folder it runs in; default: the worker's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Variables besides those that every command is given (`PATH`, `HOME`, `USER`, `LOGNAME`, `SHELL`,
    /// `LANG`, `LC_*`, `TZ`, `TMPDIR`, on Windows `SYSTEMROOT`, `COMSPEC`, `PATHEXT`, `TEMP`, `TMP`):
    /// with a value, or `None` for the worker's own, if it has one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Option<String>>,
    /// What it reads from its standard input; default: nothing.
    #[serde(default, skip_serializing_if = "Input::is_nothing")]
    pub stdin: Input,
}

/// What a command reads. Text is kept as it is; bytes that are no text as the characters U+0000 to
/// U+00FF, one for each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// Nothing.
    #[default]
    Nothing,
    /// Text, as UTF-8.
    Text(String),
    /// Any bytes.
    #[serde(with = "bytes")]
    Bytes(Vec<u8>),
}

impl Input {
    fn is_nothing(&self) -> bool {
        *self == Self::Nothing
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Text(text) => text.into_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

impl From<String> for Input {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Vec<u8>> for Input {
    fn from(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(|error| Self::Bytes(error.into_bytes()), Self::Text)
    }
}

impl From<&[u8]> for Input {
    fn from(bytes: &[u8]) -> Self {
        Self::from(bytes.to_vec())
    }
}

mod bytes {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        to.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        let bytes: Result<_, _> = text
            .chars()
            .map(|each| u8::try_from(u32::from(each)))
            .collect();
        bytes.map_err(D::Error::custom)
    }
}

impl CommandCall {
    /// A program with its arguments.
    pub fn new<A: Into<String>>(argv: impl IntoIterator<Item = A>) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// The arguments of its job. With `here`, it is to run in this process's engine and nowhere else:
    /// what can be known of the program and the folder is checked at once.
    ///
    /// # Errors
    /// `Invalid` for no program, an argument, a variable or a folder that no program can be given, and,
    /// with `here`, for a program or a folder that isn't there.
    pub fn payload(&self, here: bool) -> Result<Payload> {
        self.check()?;
        if here {
            self.folder()?;
            self.program()?;
        }
        let json =
            serde_json::to_vec(&[self]).map_err(|error| Error::invalid(error.to_string()))?;
        Ok(Payload::json(json))
    }

    /// The command of a job.
    ///
    /// # Errors
    /// `Invalid` for arguments that are not those of a command.
    pub(crate) fn from_payload(args: &Payload) -> Result<Self> {
        let [call]: [Self; 1] = serde_json::from_slice(args.as_json().unwrap_or_default())
            .map_err(|error| {
                Error::invalid(format!("these are not the arguments of a command: {error}"))
            })?;
        call.check()?;
        Ok(call)
    }

    fn check(&self) -> Result<()> {
        let program = self.argv.first().map_or("", String::as_str);
        if program.is_empty() {
            return Err(Error::invalid(
                "a command needs a program: give its name and its arguments, such as [\"ffmpeg\", \"-i\", \"a.mp4\"]",
            ));
        }
        for (index, argument) in self.argv.iter().enumerate() {
            no_nul(&format!("argument {index} of the command"), argument)?;
        }
        if let Some(folder) = &self.cwd {
            no_nul("cwd", folder)?;
        }
        self.env
            .iter()
            .try_for_each(|(name, value)| check_variable(name, value.as_deref()))
    }

    /// What messages call it: the program's name without its folder.
    pub(crate) fn name(&self) -> &str {
        let program = self.argv.first().map_or("", String::as_str);
        program.rsplit(is_separator).next().unwrap_or(program)
    }

    /// Whether it names places besides what the worker's own `PATH` has: where they are on a file system that
    /// doesn't answer, neither does [`folder`](Self::folder) or [`program`](Self::program).
    pub(crate) fn names_places(&self) -> bool {
        let program = self.argv.first().map_or("", String::as_str);
        let own_path =
            |(name, value): (&String, &Option<String>)| value.is_some() && is_named(name, "PATH");
        self.cwd.is_some() || self.env.iter().any(own_path) || !is_in_path(Path::new(program))
    }

    /// The folder it runs in.
    ///
    /// # Errors
    /// `Invalid` where there is no such folder.
    pub(crate) fn folder(&self) -> Result<Option<PathBuf>> {
        let Some(folder) = self.cwd.as_ref().map(PathBuf::from) else {
            return Ok(None);
        };
        match std::fs::metadata(&folder) {
            Ok(found) if found.is_dir() => Ok(Some(folder)),
            Ok(_) => Err(Error::invalid(format!("cwd {folder:?} is not a folder"))),
            Err(error) => Err(Error::invalid(format!(
                "cwd {folder:?} can't be entered: {error}"
            ))),
        }
    }

    /// The path of the program.
    ///
    /// # Errors
    /// `Invalid` where there is no such program, or none that may be run.
    pub(crate) fn program(&self) -> Result<PathBuf> {
        let program = self.argv.first().map_or("", String::as_str);
        if program.contains(is_separator) {
            return self.program_at(program);
        }
        let path = self.search_path();
        let found =
            std::env::split_paths(&path).find_map(|folder| program_file(&folder.join(program)));
        found.ok_or_else(|| {
            Error::invalid(format!(
                "there is no program {program:?} in PATH ({}): install it, or give its whole path",
                path.to_string_lossy()
            ))
        })
    }

    fn program_at(&self, program: &str) -> Result<PathBuf> {
        let path = match &self.cwd {
            Some(folder) => Path::new(folder).join(program),
            None => PathBuf::from(program),
        };
        let path = std::path::absolute(path).map_err(|error| Error::invalid(error.to_string()))?;
        if let Some(file) = program_file(&path) {
            return Ok(file);
        }
        let why = match std::fs::metadata(&path) {
            Err(error) => error.to_string(),
            Ok(found) if found.is_dir() => "it is a folder".to_owned(),
            Ok(_) => "it is not executable (chmod +x it, or name its interpreter first)".to_owned(),
        };
        Err(Error::invalid(format!(
            "the program {program:?} can't be run: {why}"
        )))
    }

    fn search_path(&self) -> OsString {
        let own = || std::env::var_os("PATH").unwrap_or_default();
        let given = self.env.iter().find(|(name, _)| is_named(name, "PATH"));
        match given {
            Some((_, Some(path))) => path.into(),
            _ => own(),
        }
    }
}

/// Whether a program is where the worker's own `PATH` looks, or is to be looked up there. Nobody asks the system.
fn is_in_path(program: &Path) -> bool {
    let folder = program.parent().filter(|folder| *folder != Path::new(""));
    let path = std::env::var_os("PATH").unwrap_or_default();
    folder.is_none_or(|folder| std::env::split_paths(&path).any(|known| known == folder))
}

/// What the names of programs end with that may be called without it: nothing but on Windows.
const ENDINGS: &[&str] = match cfg!(windows) {
    true => &[".exe", ".com", ".bat", ".cmd", ""],
    false => &[""],
};

/// The program that is called `file`.
fn program_file(file: &Path) -> Option<PathBuf> {
    let with = |ending: &&str| {
        let mut file = file.as_os_str().to_owned();
        file.push(ending);
        PathBuf::from(file)
    };
    ENDINGS.iter().map(with).find(|file| is_program(file))
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

fn no_nul(what: &str, text: &str) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::invalid(format!(
            "{what} has a NUL in it ({text:?}): no program can be given one"
        )));
    }
    Ok(())
}

fn check_variable(name: &str, value: Option<&str>) -> Result<()> {
    if name.is_empty() || name.contains('=') {
        return Err(Error::invalid(format!(
            "{name:?} is not the name of an environment variable: it is not empty and has no ="
        )));
    }
    no_nul("the name of an environment variable", name)?;
    no_nul(
        &format!("the environment variable {name}"),
        value.unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(call: &CommandCall) -> String {
        call.payload(true).unwrap_err().to_string()
    }

    #[test]
    fn what_no_program_can_be_given_is_refused_by_name() {
        let of = |argv: &[&str]| CommandCall::new(argv.iter().copied());
        assert!(refused(&of(&[])).contains("needs a program"));
        assert!(refused(&of(&[""])).contains("needs a program"));
        assert!(refused(&of(&["ls", "a", "b\0c"])).contains("argument 2 of the command has a NUL"));
        let folder = CommandCall {
            cwd: Some("/no/such".into()),
            ..of(&["ls"])
        };
        assert!(refused(&folder).contains("\"/no/such\" can't be entered"));
        let file = CommandCall {
            cwd: Some("/etc/passwd".into()),
            ..of(&["ls"])
        };
        assert!(refused(&file).contains("not a folder"));
        let variable = |name: &str, value: &str| CommandCall {
            env: BTreeMap::from([(name.into(), Some(value.into()))]),
            ..of(&["ls"])
        };
        assert!(refused(&variable("A=B", "x")).contains("\"A=B\""));
        assert!(refused(&variable("A", "\0")).contains("variable A has a NUL"));
    }

    #[test]
    fn what_is_no_program_is_refused_with_the_reason() {
        let of = |program: &str| refused(&CommandCall::new([program]));
        assert!(of("no-such-program").contains("\"no-such-program\" in PATH (/"));
        assert!(of("/no/such/program").contains("No such file"));
        assert!(of("/etc").contains("it is a folder"));
        assert!(of("/etc/passwd").contains("not executable"));
        assert!(CommandCall::new(["no-such-program"]).payload(false).is_ok());
    }

    #[test]
    fn what_the_own_path_has_is_no_place_of_its_own() {
        let names = |call: CommandCall| call.names_places();
        let folder = std::env::var_os("PATH").unwrap();
        let folder = std::env::split_paths(&folder).next().unwrap();
        let known = folder.join("program").to_str().unwrap().to_owned();
        assert!(!names(CommandCall::new(["program"])));
        assert!(!names(CommandCall::new([known])));
        assert!(names(CommandCall::new(["/some/where/program"])));
        assert!(names(CommandCall::new(["./program"])));
        let program = CommandCall::new(["program"]);
        assert!(names(CommandCall {
            cwd: Some("/".into()),
            ..program.clone()
        }));
        let path = |value: Option<&str>| CommandCall {
            env: BTreeMap::from([("PATH".into(), value.map(Into::into))]),
            ..program.clone()
        };
        assert!(names(path(Some("/some/where"))) && !names(path(None)));
    }

    #[test]
    fn a_call_is_the_same_after_it_was_stored() {
        let mut call = CommandCall::new(["cat", "-"]);
        for input in [
            Input::Nothing,
            "text\u{e9}".into(),
            vec![0, 255, 128].into(),
        ] {
            call.stdin = input;
            call.env.insert("A".into(), None);
            assert_eq!(
                CommandCall::from_payload(&call.payload(true).unwrap()).unwrap(),
                call
            );
        }
        let strange = Payload::json(&br#"[{"argv":["ls"],"shell":true}]"#[..]);
        assert!(
            CommandCall::from_payload(&strange)
                .unwrap_err()
                .to_string()
                .contains("shell")
        );
    }
}
