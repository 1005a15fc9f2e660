//! A folder for the temporary files of one process and all that comes of it: gone with them.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::order::Order;

/// The folder. Dropped, it is removed with all that is in it.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes the folder that an order asks for, if it does, which may be written to then, and which the
    /// process finds by `TMPDIR`.
    pub(crate) fn of(order: &mut Order) -> io::Result<Option<Self>> {
        let Some(policy) = order
            .sandbox
            .as_mut()
            .filter(|policy| !policy.temp.is_empty())
        else {
            return Ok(None);
        };
        let made = Self::below(Path::new(&policy.temp))?;
        policy.write.push(made.0.clone().into_os_string());
        order
            .env
            .retain(|variable| !variable.as_encoded_bytes().starts_with(b"TMPDIR="));
        let mut variable = OsString::from("TMPDIR=");
        variable.push(&made.0);
        order.env.push(variable);
        Ok(Some(made))
    }

    fn below(folder: &Path) -> io::Result<Self> {
        let mut number = 0;
        loop {
            let name = format!("bursar-tmp-{}-{number}", std::process::id());
            let path = folder.join(name);
            match DirBuilder::new().mode(0o700).create(&path) {
                // Somebody with this number left it behind.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < 1_000 => {
                    number += 1;
                }
                made => return made.map(|()| Self(path)),
            }
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What it can't remove, since the job has forbidden it, stays.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
