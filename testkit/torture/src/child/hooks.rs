//! SQLite tells what it is about to do: each statement as it begins and ends, and each write to a
//! file. So the store need not know that it is tortured.

#![expect(unsafe_code, reason = "SQLite is told in C whom to call")]

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::os::fd::RawFd;

use libc::{off64_t, size_t, ssize_t};
use rusqlite::ffi;

use crate::child::points::pass;
use crate::outcome::{Outcome, failed};

/// What a transaction of this thread has done so far.
#[derive(Clone, Copy, Default)]
struct Kinds {
    submits: bool,
    claims: bool,
    finishes: bool,
}

thread_local! {
    static KINDS: Cell<Kinds> = const { Cell::new(Kinds { submits: false, claims: false, finishes: false }) };
}

/// Listens to every connection that is opened from now on.
pub(super) fn listen() -> Outcome<()> {
    // SAFETY: the function has the signature that SQLite calls, and lives as long as the process.
    let added = unsafe { ffi::sqlite3_auto_extension(Some(opened)) };
    if added != ffi::SQLITE_OK {
        return failed("SQLite tells nothing");
    }
    replace(c"write", write as *const ())?;
    replace(c"pwrite", pwrite as *const ())?;
    replace(c"pwrite64", pwrite as *const ())
}

/// Has SQLite call `function` where it would have called the system.
fn replace(name: &CStr, function: *const ()) -> Outcome<()> {
    // SAFETY: the default file system lives as long as the process; each function has the signature
    // of the call that it replaces; and no connection is open yet.
    let done = unsafe {
        let files = ffi::sqlite3_vfs_find(std::ptr::null());
        let set = files.as_ref().and_then(|files| files.xSetSystemCall);
        let function = std::mem::transmute::<*const (), ffi::sqlite3_syscall_ptr>(function);
        set.map(|set| set(files, name.as_ptr(), function))
    };
    match done {
        // It has not every call everywhere.
        Some(ffi::SQLITE_OK | ffi::SQLITE_NOTFOUND) => Ok(()),
        _ => failed("SQLite's files can't be listened to"),
    }
}

unsafe extern "C" fn opened(
    connection: *mut ffi::sqlite3,
    _: *mut *mut c_char,
    _: *const ffi::sqlite3_api_routines,
) -> c_int {
    let both = ffi::SQLITE_TRACE_STMT | ffi::SQLITE_TRACE_PROFILE;
    // SAFETY: the connection is the one that is being opened; the function has the right signature.
    unsafe {
        ffi::sqlite3_trace_v2(
            connection,
            both as c_uint,
            Some(traced),
            std::ptr::null_mut(),
        )
    }
}

unsafe extern "C" fn traced(
    what: c_uint,
    _: *mut c_void,
    statement: *mut c_void,
    _: *mut c_void,
) -> c_int {
    // SAFETY: both kinds of calls bring a statement, whose text lives as long as it does.
    let text = unsafe {
        let text = ffi::sqlite3_sql(statement.cast());
        (!text.is_null()).then(|| CStr::from_ptr(text))
    };
    let text = text.map(CStr::to_bytes).unwrap_or_default();
    if what == ffi::SQLITE_TRACE_STMT as c_uint {
        begins(text);
    } else if text.starts_with(b"COMMIT") {
        let kinds = KINDS.take();
        pass("committed");
        pass_kinds(
            kinds,
            ["committed-submit", "committed-claim", "committed-finish"],
        );
    }
    0
}

fn begins(statement: &[u8]) {
    let has = |part: &str| {
        statement
            .windows(part.len())
            .any(|at| at == part.as_bytes())
    };
    let note = |change: fn(&mut Kinds)| {
        let mut kinds = KINDS.get();
        change(&mut kinds);
        KINDS.set(kinds);
    };
    match statement {
        s if s.starts_with(b"BEGIN IMMEDIATE") => {
            KINDS.take();
            pass("begin");
        }
        s if s.starts_with(b"COMMIT") => {
            pass("commit");
            pass_kinds(
                KINDS.get(),
                ["commit-submit", "commit-claim", "commit-finish"],
            );
        }
        s if s.starts_with(b"INSERT INTO job") => note(|kinds| kinds.submits = true),
        s if s.starts_with(b"INSERT INTO session") => pass("join"),
        s if s.starts_with(b"DELETE FROM session") => {
            pass("bury");
            pass("leave");
        }
        s if s.starts_with(b"PRAGMA wal_checkpoint") => pass("checkpoint"),
        s if s.starts_with(b"UPDATE job") && has("started = ?") => {
            note(|kinds| kinds.claims = true);
        }
        s if s.starts_with(b"UPDATE job") && has("state = 3 AND attempt = ") => {
            note(|kinds| kinds.finishes = true);
        }
        _ if has("CREATE ") => pass("migrate"),
        _ => {}
    }
}

fn pass_kinds(kinds: Kinds, [submit, claim, finish]: [&str; 3]) {
    let each = [
        (kinds.submits, submit),
        (kinds.claims, claim),
        (kinds.finishes, finish),
    ];
    for (_, name) in each.into_iter().filter(|(is, _)| *is) {
        pass(name);
    }
}

unsafe extern "C" fn write(file: c_int, bytes: *const c_void, count: size_t) -> ssize_t {
    pass(point_of(file));
    // SAFETY: what was passed is passed on.
    unsafe { libc::write(file, bytes, count) }
}

unsafe extern "C" fn pwrite(
    file: c_int,
    bytes: *const c_void,
    count: size_t,
    at: off64_t,
) -> ssize_t {
    pass(point_of(file));
    // SAFETY: what was passed is passed on.
    unsafe { libc::pwrite64(file, bytes, count, at) }
}

/// A write to the log is part of a commit; one to the file itself is part of a checkpoint, since
/// the file is in WAL mode from its first page on.
fn point_of(file: RawFd) -> &'static str {
    let path = std::fs::read_link(format!("/proc/self/fd/{file}")).unwrap_or_default();
    if path.as_os_str().as_encoded_bytes().ends_with(b"-wal") {
        "log-write"
    } else {
        "file-write"
    }
}
