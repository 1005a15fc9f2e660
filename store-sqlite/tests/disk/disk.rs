//! One folder, as the shim sees it: what is to fail there, and what was done.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bursar_testkit::Folder;
use parking_lot::Mutex;

use crate::vfs;

/// What SQLite asks of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Open,
    Read,
    Write,
    Sync,
    Truncate,
    Delete,
    /// Making or mapping the index of the log that processes share.
    Map,
}

/// How the disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// ENOSPC.
    Full,
    /// EIO.
    Io,
    /// Half of a write, and then ENOSPC.
    Short,
    /// EROFS: what is there can be read.
    ReadOnly,
}

impl Fault {
    /// Whether a disk can fail in this way there.
    fn fits(self, act: Act) -> bool {
        match self {
            Self::Io => true,
            Self::Full => !matches!(act, Act::Read | Act::Delete),
            Self::Short => act == Act::Write,
            Self::ReadOnly => act == Act::Open,
        }
    }
}

/// What is to fail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) fault: Fault,
    /// The number of the act that fails, counted from 1 among those that can.
    pub(crate) at: u64,
    /// All that come after it fail too.
    pub(crate) lasts: bool,
    /// Only such acts, on files whose names end so.
    pub(crate) only: Option<(Act, &'static str)>,
}

/// What reached the disk, with its bytes.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Create {
        name: String,
    },
    Write {
        name: String,
        at: u64,
        bytes: Vec<u8>,
    },
    Truncate {
        name: String,
        size: u64,
    },
    /// With the folder that the file is in, where that is new in it.
    Sync {
        name: String,
        folder: bool,
    },
    /// A sync that failed: the system forgets what it could not write, and the next one succeeds.
    Forget {
        name: String,
    },
    Delete {
        name: String,
        folder: bool,
    },
}

#[derive(Debug, Default)]
struct Inner {
    plan: Option<Plan>,
    /// How many acts there were that the plan could have failed, and how many it has.
    seen: u64,
    failed: u64,
    recorded: Option<Vec<Event>>,
    deaf: bool,
    /// Connections that saw an I/O error, and what one of them wrote afterwards.
    broken: HashSet<usize>,
    misused: Vec<String>,
}

/// What the shim asks and tells.
#[derive(Debug, Default)]
pub(crate) struct Control(Mutex<Inner>);

impl Control {
    /// What is to become of an act on the file `name`.
    pub(crate) fn judge(&self, act: Act, name: &str) -> Option<Fault> {
        let mut inner = self.0.lock();
        let plan = inner.plan?;
        let meant = plan
            .only
            .is_none_or(|(only, ending)| only == act && name.ends_with(ending));
        if !meant || !plan.fault.fits(act) {
            return None;
        }
        inner.seen += 1;
        let fails = inner.seen == plan.at || (plan.lasts && inner.seen > plan.at);
        inner.failed += u64::from(fails);
        fails.then_some(plan.fault)
    }

    /// A connection begins.
    pub(crate) fn begins(&self, connection: usize) {
        self.0.lock().broken.remove(&connection);
    }

    /// An I/O error was told to this connection.
    pub(crate) fn breaks(&self, connection: usize) {
        self.0.lock().broken.insert(connection);
    }

    /// A connection is about to write.
    pub(crate) fn writes(&self, connection: usize, name: &str, journal: &Path) {
        let mut inner = self.0.lock();
        // Where there is no log, what failed is taken back by the same connection.
        if inner.broken.contains(&connection) && !journal.exists() {
            inner.misused.push(name.to_owned());
        }
    }

    pub(crate) fn record(&self, event: impl FnOnce() -> Event) {
        let mut inner = self.0.lock();
        if let Some(recorded) = &mut inner.recorded {
            recorded.push(event());
        }
    }

    /// Syncs do nothing, and say that they did.
    pub(crate) fn is_deaf(&self) -> bool {
        self.0.lock().deaf
    }
}

/// A folder on a disk that can fail.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: Folder,
    control: Arc<Control>,
}

/// Every folder that is controlled, and by whom.
static DISKS: Mutex<Vec<(PathBuf, Arc<Control>)>> = Mutex::new(Vec::new());

/// Who controls the file at `path`, and its name.
pub(crate) fn control_of(path: &Path) -> Option<(Arc<Control>, String)> {
    let (folder, name) = (path.parent()?, path.file_name()?.to_str()?);
    let disks = DISKS.lock();
    let (_, control) = disks.iter().find(|(disk, _)| disk == folder)?;
    Some((Arc::clone(control), name.to_owned()))
}

impl Disk {
    pub(crate) fn new() -> Self {
        vfs::install();
        let folder = Folder::new();
        let control = Arc::<Control>::default();
        let path = folder.path().canonicalize().unwrap();
        DISKS.lock().push((path, Arc::clone(&control)));
        Self { folder, control }
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.join("jobs.db")
    }

    pub(crate) fn fail(&self, plan: Plan) {
        let mut inner = self.control.0.lock();
        inner.plan = Some(plan);
        (inner.seen, inner.failed) = (0, 0);
    }

    /// Nothing fails any more. How often something did.
    pub(crate) fn repair(&self) -> u64 {
        let mut inner = self.control.0.lock();
        inner.plan = None;
        inner.failed
    }

    pub(crate) fn record(&self) {
        self.control.0.lock().recorded = Some(Vec::new());
    }

    /// How much was recorded.
    pub(crate) fn position(&self) -> usize {
        let inner = self.control.0.lock();
        inner.recorded.as_ref().map_or(0, Vec::len)
    }

    pub(crate) fn recorded(&self) -> Vec<Event> {
        self.control.0.lock().recorded.take().unwrap_or_default()
    }

    /// From now on syncs do nothing, and say that they did.
    pub(crate) fn lie(&self) {
        self.control.0.lock().deaf = true;
    }

    /// The files that were written by connections that had seen an I/O error.
    pub(crate) fn misused(&self) -> Vec<String> {
        self.control.0.lock().misused.clone()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        DISKS
            .lock()
            .retain(|(_, control)| !Arc::ptr_eq(control, &self.control));
    }
}
