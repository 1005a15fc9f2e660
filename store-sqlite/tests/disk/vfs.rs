//! The shim: SQLite's usual virtual file system, with each act on a file judged and recorded first
//! (sqlite.org/vfs.html, "shims"). Files elsewhere are handed through.

#![allow(
    unsafe_code,
    reason = "SQLite's virtual file systems are tables of C functions"
)]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use std::sync::{Arc, Once, OnceLock};

use rusqlite::ffi;

use crate::disk::{Act, Control, Event, Fault, control_of};

/// A file of the shim. That of the inner file system follows it in memory.
#[repr(C)]
struct Shim {
    base: ffi::sqlite3_file,
    link: *mut Link,
}

/// Whose file it is.
struct Link {
    control: Arc<Control>,
    name: String,
    /// The connection, by where SQLite keeps the path of its database.
    connection: usize,
    /// The journal of that database.
    journal: PathBuf,
    /// The first sync syncs the folder too, as SQLite does for files that it makes.
    syncs_folder: bool,
}

impl Link {
    /// # Safety
    /// `path` is the one that SQLite has opened a file with.
    unsafe fn new(control: Arc<Control>, name: String, path: *const c_char, flags: c_int) -> Self {
        let made = ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL;
        let syncs_folder = flags & made != 0;
        // SAFETY: it is the path of a database, a journal or a log, as SQLite lays them out.
        let (database, journal) = unsafe {
            let journal = CStr::from_ptr(ffi::sqlite3_filename_journal(path));
            (ffi::sqlite3_filename_database(path), journal.to_bytes())
        };
        let connection = database as usize;
        if flags & ffi::SQLITE_OPEN_MAIN_DB != 0 {
            control.begins(connection);
        }
        Self {
            control,
            name,
            connection,
            journal: PathBuf::from(OsStr::from_bytes(journal)),
            syncs_folder,
        }
    }

    fn judge(&self, act: Act) -> Option<Fault> {
        let fault = self.control.judge(act, &self.name);
        if fault == Some(Fault::Io) {
            self.control.breaks(self.connection);
        }
        fault
    }

    fn writes(&self) {
        self.control
            .writes(self.connection, &self.name, &self.journal);
    }
}

struct Inner(*mut ffi::sqlite3_vfs);

// SAFETY: SQLite's file systems are used by all threads, and live as long as the process.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

static INNER: OnceLock<Inner> = OnceLock::new();

fn inner_vfs() -> *mut ffi::sqlite3_vfs {
    INNER.get().unwrap().0
}

/// Makes the shim the file system that everything is opened with from now on.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the table is a copy of that of the usual file system, whose functions look at
        // `pAppData` and `mxPathname` of whatever table they are given; it is never freed.
        unsafe {
            assert_eq!(ffi::sqlite3_initialize(), ffi::SQLITE_OK);
            let usual = ffi::sqlite3_vfs_find(null());
            let size = size_of::<Shim>() as c_int;
            let shim = Box::new(ffi::sqlite3_vfs {
                zName: c"shim".as_ptr(),
                szOsFile: size + (*usual).szOsFile,
                pNext: null_mut(),
                xOpen: Some(open),
                xDelete: Some(delete),
                ..*usual
            });
            assert!(INNER.set(Inner(usual)).is_ok());
            assert_eq!(ffi::sqlite3_vfs_register(Box::into_raw(shim), 1), 0);
        }
    });
}

/// # Safety
/// `name` is null or ends with a zero.
unsafe fn known(name: *const c_char) -> Option<(Arc<Control>, String, bool)> {
    if name.is_null() {
        return None;
    }
    // SAFETY: it is such a text.
    let bytes = unsafe { CStr::from_ptr(name) }.to_bytes();
    let path = Path::new(OsStr::from_bytes(bytes));
    let (control, name) = control_of(path)?;
    Some((control, name, path.exists()))
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    path: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives room for both files, and a path that lives as long as they do.
    unsafe {
        let shim = file.cast::<Shim>();
        (*shim).base.pMethods = null();
        (*shim).link = null_mut();
        let known = known(path);
        let fault = known
            .as_ref()
            .and_then(|(control, name, _)| control.judge(Act::Open, name));
        let flags = match fault {
            None => flags,
            Some(Fault::ReadOnly) => read_only(flags),
            Some(_) => return ffi::SQLITE_CANTOPEN,
        };
        let vfs = inner_vfs();
        let done = (*vfs).xOpen.unwrap()(vfs, path, inner(file), flags, out);
        if (*inner(file)).pMethods.is_null() {
            return done;
        }
        (*shim).base.pMethods = &raw const METHODS;
        if let Some((control, name, existed)) = known {
            if !existed {
                let name = name.clone();
                control.record(|| Event::Create { name });
            }
            (*shim).link = Box::into_raw(Box::new(Link::new(control, name, path, flags)));
        }
        done
    }
}

/// As SQLite opens a file again that it may not write.
fn read_only(flags: c_int) -> c_int {
    let writing = ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE;
    flags & !writing | ffi::SQLITE_OPEN_READONLY
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, path: *const c_char, folder: c_int) -> c_int {
    // SAFETY: SQLite gives a path that ends with a zero.
    unsafe {
        let known = known(path);
        if let Some((control, name, true)) = &known
            && control.judge(Act::Delete, name).is_some()
        {
            return ffi::SQLITE_IOERR_DELETE;
        }
        let vfs = inner_vfs();
        let done = (*vfs).xDelete.unwrap()(vfs, path, folder);
        if let (Some((control, name, true)), ffi::SQLITE_OK) = (known, done) {
            let folder = folder != 0;
            control.record(|| Event::Delete { name, folder });
        }
        done
    }
}

/// # Safety
/// `file` is one of the shim's.
unsafe fn inner(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: there is room for it behind the shim's own.
    unsafe { file.cast::<Shim>().add(1).cast() }
}

/// # Safety
/// `file` is one of the shim's, and open; nobody else uses it meanwhile.
unsafe fn link<'a>(file: *mut ffi::sqlite3_file) -> Option<&'a mut Link> {
    // SAFETY: it was set by `open`, and is freed by `close`. SQLite uses a file from one thread at a
    // time.
    unsafe { (*file.cast::<Shim>()).link.as_mut() }
}

/// Hands a call through to the inner file.
macro_rules! hand {
    ($file:ident.$method:ident($($argument:expr),*)) => {{
        let inner = inner($file);
        (*(*inner).pMethods).$method.unwrap()(inner, $($argument),*)
    }};
}

/// Methods that are only handed through.
macro_rules! handed {
    ($($name:ident: $method:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)?;)*) => {
        $(unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file, $($argument: $kind),*) $(-> $result)? {
            // SAFETY: SQLite calls it for an open file, with what the inner one needs.
            unsafe { hand!(file.$method($($argument),*)) }
        })*
    };
}

handed! {
    file_size: xFileSize(size: *mut i64) -> c_int;
    lock: xLock(level: c_int) -> c_int;
    unlock: xUnlock(level: c_int) -> c_int;
    check_reserved: xCheckReservedLock(out: *mut c_int) -> c_int;
    file_control: xFileControl(verb: c_int, argument: *mut c_void) -> c_int;
    sector_size: xSectorSize() -> c_int;
    characteristics: xDeviceCharacteristics() -> c_int;
    shm_lock: xShmLock(offset: c_int, count: c_int, flags: c_int) -> c_int;
    shm_barrier: xShmBarrier();
    shm_unmap: xShmUnmap(delete: c_int) -> c_int;
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: it is closed once; its link was made by `open`.
    unsafe {
        let shim = file.cast::<Shim>();
        if !(*shim).link.is_null() {
            drop(Box::from_raw((*shim).link));
            (*shim).link = null_mut();
        }
        hand!(file.xClose())
    }
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    to: *mut c_void,
    count: c_int,
    at: i64,
) -> c_int {
    // SAFETY: SQLite calls it for an open file, with room for what is read.
    unsafe {
        if let Some(link) = link(file)
            && link.judge(Act::Read).is_some()
        {
            return ffi::SQLITE_IOERR_READ;
        }
        hand!(file.xRead(to, count, at))
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    count: c_int,
    at: i64,
) -> c_int {
    // SAFETY: SQLite calls it for an open file, with as many bytes as it says.
    unsafe {
        let Some(link) = link(file) else {
            return hand!(file.xWrite(from, count, at));
        };
        link.writes();
        let (count, told) = match link.judge(Act::Write) {
            None => (count, ffi::SQLITE_OK),
            Some(Fault::Full) => return ffi::SQLITE_FULL,
            Some(Fault::Io | Fault::ReadOnly) => return ffi::SQLITE_IOERR_WRITE,
            Some(Fault::Short) => (count / 2, ffi::SQLITE_FULL),
        };
        let done = hand!(file.xWrite(from, count, at));
        if done != ffi::SQLITE_OK {
            return done;
        }
        link.control.record(|| {
            let bytes = std::slice::from_raw_parts(from.cast::<u8>(), count as usize).to_vec();
            let (name, at) = (link.name.clone(), at as u64);
            Event::Write { name, at, bytes }
        });
        told
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    // SAFETY: SQLite calls it for an open file.
    unsafe {
        let Some(link) = link(file) else {
            return hand!(file.xTruncate(size));
        };
        if link.judge(Act::Truncate).is_some() {
            return ffi::SQLITE_IOERR_TRUNCATE;
        }
        let done = hand!(file.xTruncate(size));
        if done == ffi::SQLITE_OK {
            let (name, size) = (link.name.clone(), size as u64);
            link.control.record(|| Event::Truncate { name, size });
        }
        done
    }
}

/// The disk of a test is one that is only recorded: nothing is really synced.
unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: SQLite calls it for an open file.
    unsafe {
        let Some(link) = link(file) else {
            return hand!(file.xSync(flags));
        };
        let name = link.name.clone();
        if link.judge(Act::Sync).is_some() {
            link.control.record(|| Event::Forget { name });
            return ffi::SQLITE_IOERR_FSYNC;
        }
        if !link.control.is_deaf() {
            let folder = std::mem::take(&mut link.syncs_folder);
            link.control.record(|| Event::Sync { name, folder });
        }
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: SQLite calls it for an open file.
    unsafe {
        if let Some(link) = link(file)
            && link.judge(Act::Map).is_some()
        {
            return ffi::SQLITE_IOERR_SHMSIZE;
        }
        hand!(file.xShmMap(page, size, extend, out))
    }
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // Without the methods that give out mapped memory, which would pass by `write`.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
