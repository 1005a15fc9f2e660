//! What is asked of Windows, without a rule of its own.

use std::ffi::c_void;
use std::io;
use std::mem::{size_of, zeroed};
use std::os::windows::io::{AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::ptr::{null, null_mut};
use std::time::Duration;

use windows_sys::Win32::Foundation::{ERROR_MORE_DATA, HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Console::{
    CTRL_BREAK_EVENT, GenerateConsoleCtrlEvent, GetConsoleCP,
};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};
use windows_sys::Win32::System::IO::{
    CreateIoCompletionPort, GetQueuedCompletionStatus, OVERLAPPED,
};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOBOBJECT_ASSOCIATE_COMPLETION_PORT,
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION, JOBOBJECT_CPU_RATE_CONTROL_INFORMATION,
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JOBOBJECTINFOCLASS,
    JobObjectAssociateCompletionPortInformation, JobObjectBasicAccountingInformation,
    JobObjectBasicProcessIdList, JobObjectCpuRateControlInformation,
    JobObjectExtendedLimitInformation, QueryInformationJobObject, SetInformationJobObject,
    TerminateJobObject,
};
use windows_sys::Win32::System::Threading::{OpenThread, ResumeThread, THREAD_SUSPEND_RESUME};
use windows_sys::core::BOOL;

/// How many processes of a Job Object are listed.
const MOST: usize = 1_024;

/// A message about a Job Object: its number (`JOB_OBJECT_MSG_*`), and the process that it is about.
pub(super) type Message = (u32, u32);

fn check(done: BOOL) -> io::Result<()> {
    match done {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn owned(handle: HANDLE) -> io::Result<OwnedHandle> {
    if handle.is_null() || handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the system has just given it, and to nobody else.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// A Job Object without a name.
pub(super) fn create_job_object() -> io::Result<OwnedHandle> {
    // SAFETY: neither a name nor attributes are needed.
    owned(unsafe { CreateJobObjectW(null(), null()) })
}

/// A port that hears of Job Objects.
pub(super) fn create_port() -> io::Result<OwnedHandle> {
    // SAFETY: a port of its own needs no file and no other port.
    owned(unsafe { CreateIoCompletionPort(INVALID_HANDLE_VALUE, null_mut(), 0, 1) })
}

fn set<T>(job: &OwnedHandle, class: JOBOBJECTINFOCLASS, what: &T) -> io::Result<()> {
    let what: *const T = what;
    // SAFETY: the callers below give what belongs to the class; its size is that of its type.
    check(unsafe {
        SetInformationJobObject(
            job.as_raw_handle(),
            class,
            what.cast::<c_void>(),
            size_of::<T>() as u32,
        )
    })
}

pub(super) fn set_limits(
    job: &OwnedHandle,
    limits: &JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
) -> io::Result<()> {
    set(job, JobObjectExtendedLimitInformation, limits)
}

pub(super) fn set_cpu_rate(
    job: &OwnedHandle,
    rate: &JOBOBJECT_CPU_RATE_CONTROL_INFORMATION,
) -> io::Result<()> {
    set(job, JobObjectCpuRateControlInformation, rate)
}

/// Has `port` hear of `job`, which must not be in use yet.
pub(super) fn tell_port(job: &OwnedHandle, port: &OwnedHandle) -> io::Result<()> {
    let association = JOBOBJECT_ASSOCIATE_COMPLETION_PORT {
        CompletionKey: null_mut(),
        CompletionPort: port.as_raw_handle(),
    };
    set(
        job,
        JobObjectAssociateCompletionPortInformation,
        &association,
    )
}

fn query<T>(job: &OwnedHandle, class: JOBOBJECTINFOCLASS, into: &mut T) -> io::Result<()> {
    let into: *mut T = into;
    // SAFETY: the callers below give room for what belongs to the class; its size is that of its type.
    check(unsafe {
        QueryInformationJobObject(
            job.as_raw_handle(),
            class,
            into.cast::<c_void>(),
            size_of::<T>() as u32,
            null_mut(),
        )
    })
}

pub(super) fn accounting(job: &OwnedHandle) -> io::Result<JOBOBJECT_BASIC_ACCOUNTING_INFORMATION> {
    let mut accounting = JOBOBJECT_BASIC_ACCOUNTING_INFORMATION::default();
    query(job, JobObjectBasicAccountingInformation, &mut accounting)?;
    Ok(accounting)
}

pub(super) fn limits(job: &OwnedHandle) -> io::Result<JOBOBJECT_EXTENDED_LIMIT_INFORMATION> {
    let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    query(job, JobObjectExtendedLimitInformation, &mut limits)?;
    Ok(limits)
}

/// `JOBOBJECT_BASIC_PROCESS_ID_LIST` with room for many.
#[repr(C)]
struct ProcessIds {
    assigned: u32,
    listed: u32,
    ids: [usize; MOST],
}

/// The processes of a Job Object, at most 1,024 of them.
pub(super) fn processes(job: &OwnedHandle) -> io::Result<Vec<u32>> {
    let mut list = ProcessIds {
        assigned: 0,
        listed: 0,
        ids: [0; MOST],
    };
    match query(job, JobObjectBasicProcessIdList, &mut list) {
        Err(error) if error.raw_os_error() != Some(ERROR_MORE_DATA as i32) => return Err(error),
        _ => {}
    }
    let ids = list.ids.iter().take(list.listed as usize);
    Ok(ids.filter_map(|id| u32::try_from(*id).ok()).collect())
}

pub(super) fn assign(job: &OwnedHandle, process: BorrowedHandle<'_>) -> io::Result<()> {
    // SAFETY: both are open as long as they are borrowed.
    check(unsafe { AssignProcessToJobObject(job.as_raw_handle(), process.as_raw_handle()) })
}

pub(super) fn terminate(job: &OwnedHandle, code: u32) -> io::Result<()> {
    // SAFETY: it is open as long as it is borrowed.
    check(unsafe { TerminateJobObject(job.as_raw_handle(), code) })
}

/// The next message that came to a port, within a time.
pub(super) fn hear(port: &OwnedHandle, time: Duration) -> Option<Message> {
    let (mut number, mut key, mut about) = (0, 0, null_mut::<OVERLAPPED>());
    let millis = u32::try_from(time.as_millis()).unwrap_or(u32::MAX - 1);
    // SAFETY: the places that it writes to are there; what it says of a process is its number in the
    // place of a pointer, which nobody follows.
    let heard = unsafe {
        GetQueuedCompletionStatus(
            port.as_raw_handle(),
            &mut number,
            &mut key,
            &mut about,
            millis,
        )
    };
    (heard != 0).then(|| (number, about.addr() as u32))
}

/// Lets the threads of a process run that was started suspended.
pub(super) fn resume(pid: u32) -> io::Result<()> {
    // SAFETY: it takes no pointers.
    let threads = owned(unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0) })?;
    // SAFETY: it is made of numbers, and said to be as large as it is.
    let mut thread: THREADENTRY32 = unsafe { zeroed() };
    thread.dwSize = size_of::<THREADENTRY32>() as u32;
    // SAFETY: the list is open, and there is room for one of it.
    let mut more = unsafe { Thread32First(threads.as_raw_handle(), &mut thread) };
    let mut found = false;
    while more != 0 {
        if thread.th32OwnerProcessID == pid {
            resume_thread(thread.th32ThreadID)?;
            found = true;
        }
        // SAFETY: as above.
        more = unsafe { Thread32Next(threads.as_raw_handle(), &mut thread) };
    }
    match found {
        true => Ok(()),
        false => Err(io::Error::new(
            io::ErrorKind::NotFound,
            "it has no thread that could run",
        )),
    }
}

fn resume_thread(id: u32) -> io::Result<()> {
    // SAFETY: it takes no pointers.
    let thread = owned(unsafe { OpenThread(THREAD_SUSPEND_RESUME, 0, id) })?;
    // SAFETY: it was opened for that.
    match unsafe { ResumeThread(thread.as_raw_handle()) } {
        u32::MAX => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Sends CTRL_BREAK to the processes of a group that share this process's console.
pub(super) fn send_break(group: u32) -> io::Result<()> {
    // SAFETY: it takes no pointers.
    check(unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, group) })
}

/// Whether this process has a console.
pub(super) fn has_console() -> bool {
    // SAFETY: it takes nothing.
    unsafe { GetConsoleCP() != 0 }
}
