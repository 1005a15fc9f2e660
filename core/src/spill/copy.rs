//! Copying files to a folder of another store.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::error::{Error, Result};
use crate::spill::SpillFolder;
use crate::spill::folder::{create_new, make_private, sync_folder, unwritable};

impl SpillFolder {
    /// Copies these files to a new folder, each synced, and its name with it. A file that isn't here is left
    /// out: it is gone in the copy as it is here. Whoever copies [`hold`](Self::hold)s the folder meanwhile.
    ///
    /// # Errors
    /// `Conflict` where there is something at `to`; `Unavailable` where it can't be written: what there is
    /// of it is removed then.
    pub fn copy_to(&self, to: &Path, files: &[String]) -> Result<()> {
        match make_private(to) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(Error::conflict(format!(
                    "the folder {} of a backup: it is there already; choose another path, or move it away",
                    to.display()
                )));
            }
            made => made.map_err(|error| unwritable(to, error))?,
        }
        let copied = self.copy_all(to, files);
        if copied.is_err() {
            // What there is of it is of no use to anybody.
            let _ = fs::remove_dir_all(to);
        }
        copied.map_err(|error| unwritable(to, error))
    }

    fn copy_all(&self, to: &Path, files: &[String]) -> io::Result<()> {
        for file in files {
            let from = self.path().map(|path| path.join(file));
            match from.map(File::open).transpose() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
                Ok(None) => {}
                Ok(Some(mut from)) => {
                    let mut copy = create_new(&to.join(file))?;
                    io::copy(&mut from, &mut copy)?;
                    copy.sync_all()?;
                }
            }
        }
        sync_folder(to)
    }
}
