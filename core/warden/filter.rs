//! The filter of system calls: a program for the kernel's packet filter, which seccomp(2) runs before each
//! call. It lists what no job needs and what reaches far into the kernel or into other processes; all else
//! goes through.

/// One instruction, as the kernel lays it out (`struct sock_filter`).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Instruction {
    code: u16,
    then: u8,
    otherwise: u8,
    value: u32,
}

const LOAD: u16 = 0x20;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_AT_LEAST: u16 = 0x35;
const JUMP_IF_ANY_BIT: u16 = 0x45;
const ANSWER: u16 = 0x06;

const KILL: u32 = 0x8000_0000;
const ALLOW: u32 = 0x7fff_0000;
const FAIL: u32 = 0x0005_0000;

const EPERM: u32 = 1;
const EACCES: u32 = 13;
const ENOSYS: u32 = 38;

// Where what is known of a call stands (`struct seccomp_data`).
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// Calls of x86-64 from here on are those of its variant with short pointers.
const SHORT_POINTERS: u32 = 0x4000_0000;

/// `CLONE_NEWNS`, `CGROUP`, `UTS`, `IPC`, `USER`, `PID` and `NET`: namespaces of its own.
const NAMESPACES: u32 = 0x7e02_0000;
/// Puts characters into the input of a terminal: `TIOCSTI`, and by way of a selection `TIOCLINUX`.
const TYPING: [u32; 2] = [0x5412, 0x541c];
const AF_UNIX: u32 = 1;
/// The bit that only datagram and raw sockets have in their type: a pair of those can be sent from elsewhere.
const DATAGRAM: u32 = 2;

/// What makes a call one that is denied, by the low half of an argument.
#[derive(Clone, Copy)]
enum Test {
    Is(u32),
    IsNot(u32),
    HasAnyOf(u32),
}

/// The program; none for a processor whose calls aren't listed here. Without `network`, no socket can be
/// made but pairs that lead nowhere.
pub(crate) fn program(network: bool) -> Option<Vec<Instruction>> {
    let calls = calls::CALLS?;
    let mut program = Program(Vec::new());
    program.only_on(calls.architecture);
    for call in calls.denied {
        program.deny(*call, EPERM);
    }
    // What the flags of `clone3` are can't be seen from here: the C library takes `clone` instead.
    program.deny(calls.clone3, ENOSYS);
    program.deny_where(calls.clone, 0, &[Test::HasAnyOf(NAMESPACES)]);
    program.deny_where(calls.ioctl, 1, &TYPING.map(Test::Is));
    // The limits of others.
    program.deny_where(calls.prlimit, 0, &[Test::IsNot(0)]);
    if !network {
        program.deny(calls.socket, EACCES);
        program.deny_where(calls.socketpair, 0, &[Test::IsNot(AF_UNIX)]);
        program.deny_where(calls.socketpair, 1, &[Test::HasAnyOf(DATAGRAM)]);
    }
    program.say(ANSWER, ALLOW);
    Some(program.0)
}

struct Program(Vec<Instruction>);

impl Program {
    fn say(&mut self, code: u16, value: u32) {
        self.jump(code, value, 0, 0);
    }

    /// Goes on `then` or `otherwise` instructions further on than with the next one.
    fn jump(&mut self, code: u16, value: u32, then: u8, otherwise: u8) {
        self.0.push(Instruction {
            code,
            then,
            otherwise,
            value,
        });
    }

    /// Ends whoever makes calls of another architecture, whose numbers mean something else.
    fn only_on(&mut self, architecture: u32) {
        self.say(LOAD, ARCHITECTURE);
        self.jump(JUMP_IF_EQUAL, architecture, 1, 0);
        self.say(ANSWER, KILL);
        self.say(LOAD, NUMBER);
        self.jump(JUMP_IF_AT_LEAST, SHORT_POINTERS, 0, 1);
        self.say(ANSWER, KILL);
    }

    fn deny(&mut self, call: u32, error: u32) {
        self.jump(JUMP_IF_EQUAL, call, 0, 1);
        self.say(ANSWER, FAIL | error);
    }

    /// Denies a call where one of `tests` holds for an argument of it.
    fn deny_where(&mut self, call: u32, argument: u32, tests: &[Test]) {
        self.jump(JUMP_IF_EQUAL, call, 0, 2 + 2 * tests.len() as u8);
        self.say(LOAD, ARGUMENTS + 8 * argument);
        for test in tests {
            match *test {
                Test::Is(value) => self.jump(JUMP_IF_EQUAL, value, 0, 1),
                Test::IsNot(value) => self.jump(JUMP_IF_EQUAL, value, 1, 0),
                Test::HasAnyOf(bits) => self.jump(JUMP_IF_ANY_BIT, bits, 0, 1),
            }
            self.say(ANSWER, FAIL | EPERM);
        }
        self.say(LOAD, NUMBER);
    }
}

/// The numbers of calls on one architecture.
struct Calls {
    architecture: u32,
    /// Those that are denied whatever their arguments.
    denied: &'static [u32],
    clone: u32,
    clone3: u32,
    ioctl: u32,
    prlimit: u32,
    socket: u32,
    socketpair: u32,
}

/// Those that have the same number on every architecture: new ones.
macro_rules! denied {
    ($($own:literal),* $(,)?) => {
        &[
            425, 426, 427, // io_uring_*: what it does, no filter sees
            428, 429, 430, 431, 432, 433, 442, 467, // the new mount calls
            438, // pidfd_getfd
            440, // process_madvise
            443, // quotactl_fd
            $($own),*
        ]
    };
}

#[cfg(target_arch = "x86_64")]
mod calls {
    use super::Calls;

    pub(super) const CALLS: Option<Calls> = Some(Calls {
        architecture: 0xc000_003e,
        denied: denied![
            101, 310, 311, 312, // ptrace, process_vm_readv, process_vm_writev, kcmp
            165, 166, 155, 161, // mount, umount2, pivot_root, chroot
            272, 308, // unshare, setns
            304, // open_by_handle_at
            321, 298, 323, 300, // bpf, perf_event_open, userfaultfd, fanotify_init
            248, 249, 250, // add_key, request_key, keyctl
            175, 313, 176, 134, // init_module, finit_module, delete_module, uselib
            246, 320, 169, // kexec_load, kexec_file_load, reboot
            167, 168, 163, 179, // swapon, swapoff, acct, quotactl
            164, 227, 305, 159, // settimeofday, clock_settime, clock_adjtime, adjtimex
            170, 171, 103, 153, // sethostname, setdomainname, syslog, vhangup
            172, 173, 154, // iopl, ioperm, modify_ldt
            180, 212, 139, 156, // nfsservctl, lookup_dcookie, sysfs, _sysctl
        ],
        clone: 56,
        clone3: 435,
        ioctl: 16,
        prlimit: 302,
        socket: 41,
        socketpair: 53,
    });
}

#[cfg(target_arch = "aarch64")]
mod calls {
    use super::Calls;

    pub(super) const CALLS: Option<Calls> = Some(Calls {
        architecture: 0xc000_00b7,
        denied: denied![
            117, 270, 271, 272, // ptrace, process_vm_readv, process_vm_writev, kcmp
            40, 39, 41, 51, // mount, umount2, pivot_root, chroot
            97, 268, // unshare, setns
            265, // open_by_handle_at
            280, 241, 282, 262, // bpf, perf_event_open, userfaultfd, fanotify_init
            217, 218, 219, // add_key, request_key, keyctl
            105, 273, 106, // init_module, finit_module, delete_module
            104, 294, 142, // kexec_load, kexec_file_load, reboot
            224, 225, 89, 60, // swapon, swapoff, acct, quotactl
            170, 112, 266, 171, // settimeofday, clock_settime, clock_adjtime, adjtimex
            161, 162, 116, 58, // sethostname, setdomainname, syslog, vhangup
            42, 18, // nfsservctl, lookup_dcookie
        ],
        clone: 220,
        clone3: 435,
        ioctl: 29,
        prlimit: 261,
        socket: 198,
        socketpair: 199,
    });
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod calls {
    pub(super) const CALLS: Option<super::Calls> = None;
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel would answer to a call.
    fn answer(program: &[Instruction], architecture: u32, call: u32, arguments: [u32; 2]) -> u32 {
        let (mut at, mut held) = (0, 0);
        loop {
            let Instruction {
                code,
                then,
                otherwise,
                value,
            } = program[at];
            at += 1;
            let holds = match code {
                LOAD => {
                    held = match value {
                        NUMBER => call,
                        ARCHITECTURE => architecture,
                        place => arguments[((place - ARGUMENTS) / 8) as usize],
                    };
                    continue;
                }
                ANSWER => return value,
                JUMP_IF_EQUAL => held == value,
                JUMP_IF_AT_LEAST => held >= value,
                JUMP_IF_ANY_BIT => held & value != 0,
                _ => unreachable!("{code}"),
            };
            at += usize::from(if holds { then } else { otherwise });
        }
    }

    fn ours(network: bool, call: u32, arguments: [u32; 2]) -> u32 {
        let architecture = calls::CALLS.unwrap().architecture;
        answer(&program(network).unwrap(), architecture, call, arguments)
    }

    #[test]
    fn what_no_job_needs_is_denied_and_the_rest_is_not() {
        let calls = calls::CALLS.unwrap();
        for call in calls.denied {
            assert_eq!(ours(true, *call, [0; 2]), FAIL | EPERM, "{call}");
        }
        assert_eq!(ours(true, calls.clone3, [0; 2]), FAIL | ENOSYS);
        let special = [calls.clone3, calls.socket, calls.socketpair, calls.prlimit];
        for call in (0..500).filter(|call| !calls.denied.contains(call) && !special.contains(call))
        {
            assert_eq!(ours(false, call, [0; 2]), ALLOW, "{call}");
        }
    }

    #[test]
    fn arguments_decide_where_only_some_of_a_call_is_denied() {
        let calls = calls::CALLS.unwrap();
        // SIGCHLD, a thread, a user namespace, a network.
        for (flags, expected) in [
            (17, ALLOW),
            (0x3d_0f00, ALLOW),
            (0x1000_0011, FAIL | EPERM),
            (0x4000_0000, FAIL | EPERM),
        ] {
            assert_eq!(ours(false, calls.clone, [flags, 0]), expected, "{flags:x}");
        }
        assert_eq!(ours(false, calls.ioctl, [0, 0x5401]), ALLOW);
        for typing in TYPING {
            assert_eq!(ours(false, calls.ioctl, [0, typing]), FAIL | EPERM);
        }
        assert_eq!(ours(false, calls.prlimit, [0, 7]), ALLOW);
        assert_eq!(ours(false, calls.prlimit, [1, 7]), FAIL | EPERM);
    }

    #[test]
    fn no_socket_leads_anywhere_without_network() {
        let calls = calls::CALLS.unwrap();
        for family in [1, 2, 10, 16, 17, 40] {
            assert_eq!(ours(false, calls.socket, [family, 1]), FAIL | EACCES);
            assert_eq!(ours(true, calls.socket, [family, 1]), ALLOW);
        }
        const CLOSED_ON_EXEC: u32 = 0o2_000_000;
        for (kind, expected) in [(1, ALLOW), (5, ALLOW), (2, FAIL | EPERM), (3, FAIL | EPERM)] {
            let pair = [AF_UNIX, kind | CLOSED_ON_EXEC];
            assert_eq!(ours(false, calls.socketpair, pair), expected, "{kind}");
            assert_eq!(ours(true, calls.socketpair, pair), ALLOW);
        }
        assert_eq!(ours(false, calls.socketpair, [30, 1]), FAIL | EPERM);
    }

    #[test]
    fn calls_of_another_architecture_end_whoever_makes_them() {
        let program = program(true).unwrap();
        // 32 bits on x86, 32 bits on ARM.
        for other in [0x4000_0003, 0x4000_0028] {
            assert_eq!(answer(&program, other, 1, [0; 2]), KILL);
        }
        for short in [SHORT_POINTERS, SHORT_POINTERS | 101, u32::MAX] {
            assert_eq!(ours(true, short, [0; 2]), KILL);
        }
    }
}
