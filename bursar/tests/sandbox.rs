//! Commands in a sandbox: what each level denies, that it reaches all that a command starts, and that nothing
//! is started where all is required and a part is missing.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use bursar::{
    CommandOutput, Engine, Isolation, Job, JobError, JobFailure, Sandbox, SandboxLevel,
    SandboxParts,
};

const NO_LANDLOCK: &str = "BURSAR_TEST_NO_LANDLOCK";

/// A folder that a command must not write to unless it is told so; gone with its value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("bursar-sandbox-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn text(&self) -> &str {
        self.0.to_str().unwrap()
    }

    fn has(&self, name: &str) -> bool {
        self.0.join(name).exists()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn engine() -> Engine {
    let engine = Engine::open("memory:").grace("200ms").concurrency(8);
    engine.start().await.unwrap()
}

async fn python(engine: &Engine, script: &str, sandbox: impl Into<Sandbox>) -> Job<CommandOutput> {
    let command = engine.command(["python3", "-c", script]).sandbox(sandbox);
    command.await.unwrap()
}

async fn shell(engine: &Engine, script: &str, sandbox: impl Into<Sandbox>) -> Job<CommandOutput> {
    let command = engine.command(["bash", "-c", script]).sandbox(sandbox);
    command.await.unwrap()
}

async fn stdout(job: &Job<CommandOutput>) -> String {
    job.result_timeout("30s").await.unwrap().stdout
}

async fn failed(job: &Job<CommandOutput>) -> JobFailure {
    match job.result_timeout("30s").await.unwrap_err() {
        JobError::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

/// What became of each line of a script in Python: `ok`, or the name of the error.
fn attempts(lines: &[&str]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| format!("{line:?}")).collect();
    format!(
        "import ctypes, errno, os, socket\n\
         libc = ctypes.CDLL(None, use_errno=True)\n\
         def call(*args):\n    \
             if libc.syscall(*args) < 0:\n        \
                 raise OSError(ctypes.get_errno(), '')\n\
         for line in [{}]:\n    \
             try:\n        \
                 exec(line)\n        \
                 print('ok')\n    \
             except OSError as error:\n        \
                 print(errno.errorcode[error.errno])\n",
        lines.join(", ")
    )
}

#[tokio::test]
async fn it_writes_to_its_folder_and_nowhere_else() {
    let (inside, outside) = (Folder::new(), Folder::new());
    std::fs::write(outside.0.join("file"), "old").unwrap();
    let out = outside.text();
    let script = attempts(&[
        "open('new', 'w').write('x')",
        "os.mkdir('folder'); os.rename('new', 'folder/new')",
        "open('/dev/null', 'w').write('x')",
        &format!("open('{out}/new', 'w')"),
        &format!("open('{out}/file', 'a')"),
        &format!("os.truncate('{out}/file', 0)"),
        &format!("os.unlink('{out}/file')"),
        &format!("os.mkdir('{out}/folder')"),
        &format!("os.symlink('a', '{out}/link')"),
        &format!("os.rename('folder/new', '{out}/new')"),
        &format!("os.link('{out}/file', 'linked')"),
        &format!("os.symlink('{out}/file', 'link'); open('link', 'a')"),
        "open('/proc/self/oom_score_adj', 'w').write('0')",
        // Reading is as ever.
        &format!("assert open('{out}/file').read() == 'old' and os.listdir('/usr')"),
    ]);
    let engine = engine().await;
    let command = engine.command(["python3", "-c", &script]);
    let command = command.cwd(inside.text()).sandbox(SandboxLevel::Required);
    let became = stdout(&command.await.unwrap()).await;
    let became: Vec<&str> = became.lines().collect();
    assert_eq!(became[..3], ["ok"; 3]);
    assert_eq!(became[3..10], ["EACCES"; 7]);
    assert_eq!(became[10..], ["EXDEV", "EACCES", "EACCES", "ok"]);
    assert!(inside.has("folder/new") && outside.has("file") && !outside.has("new"));
}

#[tokio::test]
async fn it_writes_to_what_is_named_and_to_a_temporary_folder_of_its_own() {
    let (named, other) = (Folder::new(), Folder::new());
    let engine = engine().await;
    let sandbox = Sandbox::required().write(named.text());
    let script = format!(
        "set -e; echo x > {}/new; mktemp -d; mktemp; ! touch {}/new; ! touch not-my-folder",
        named.text(),
        other.text()
    );
    let made = stdout(&shell(&engine, &script, sandbox).await).await;
    assert!(named.has("new") && !other.has("new"));
    let made: Vec<&Path> = made.lines().map(Path::new).collect();
    let [folder, file] = made[..] else {
        panic!("{made:?}")
    };
    assert!(folder.parent() == file.parent() && !folder.parent().unwrap().exists());
    // One that is named is used, and stays.
    let command = engine.command(["mktemp"]).env("TMPDIR", named.text());
    let command = command.sandbox(Sandbox::required().write(named.text()));
    let made = stdout(&command.await.unwrap()).await;
    assert!(Path::new(made.trim()).exists() && made.starts_with(named.text()));
}

#[tokio::test]
async fn without_network_no_socket_leads_anywhere() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = attempts(&[
        &format!("socket.create_connection(('127.0.0.1', {port}))"),
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_INET6, socket.SOCK_STREAM)",
        "socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)",
        "socket.socketpair()",
    ]);
    let engine = engine().await;
    let denied = stdout(&python(&engine, &script, SandboxLevel::Required).await).await;
    let denied: Vec<&str> = denied.lines().collect();
    assert_eq!(denied[..5], ["EACCES"; 5]);
    assert_eq!(denied[5..], ["EPERM", "ok"]);
    let allowed = python(&engine, &script, Sandbox::required().network(true)).await;
    assert_eq!(stdout(&allowed).await, "ok\n".repeat(7));
    let off = python(&engine, &script, SandboxLevel::Off).await;
    assert_eq!(stdout(&off).await, "ok\n".repeat(7));
}

#[tokio::test]
async fn rights_are_given_up_and_no_program_gives_any() {
    let engine = engine().await;
    let script = "grep -E '^(NoNewPrivs|Seccomp|CapPrm|CapEff):' /proc/self/status";
    let said = stdout(&shell(&engine, script, SandboxLevel::Required).await).await;
    let value = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().to_owned()
    };
    assert_eq!(
        (value("NoNewPrivs:"), value("Seccomp:")),
        ("1".into(), "2".into())
    );
    // Reading and writing files of others is all that is left to a superuser.
    for set in ["CapPrm:", "CapEff:"] {
        let held = u64::from_str_radix(&value(set), 16).unwrap();
        assert_eq!(held & !6, 0, "{said}");
    }
    // This test may run as a superuser, so a program of another's rights can be made.
    let script = attempts(&[
        "os.setuid(1)",
        "os.setgroups([])",
        "os.chown('/proc/self', 1, 1)",
    ]);
    let said = stdout(&python(&engine, &script, SandboxLevel::Required).await).await;
    assert_eq!(said, "EPERM\n".repeat(3));
}

#[tokio::test]
#[cfg(target_arch = "x86_64")]
async fn calls_that_no_job_needs_are_denied() {
    let engine = engine().await;
    let script = attempts(&[
        "call(101, 0, 0, 0, 0)",
        "call(272, 0x10000000)",
        "call(165, b'none', b'/tmp', b'tmpfs', 0, 0)",
        "call(310, os.getppid(), 0, 0, 0, 0, 0)",
        "call(250, 0, 0, 0, 0, 0)",
        "call(321, 0, 0, 0)",
        "call(425, 1, 0)",
        "call(302, os.getppid(), 7, 0, 0)",
        "call(56, 0x10000011, 0, 0, 0, 0)",
        "call(435, 0, 0)",
        "os.kill(os.getppid(), 0)",
        "open(f'/proc/{os.getppid()}/environ').read()",
    ]);
    let said = stdout(&python(&engine, &script, SandboxLevel::Required).await).await;
    let said: Vec<&str> = said.lines().collect();
    assert_eq!(said[..9], ["EPERM"; 9]);
    assert_eq!(said[9..], ["ENOSYS", "EPERM", "EACCES"]);
}

#[tokio::test]
async fn what_it_starts_is_kept_to_it_too() {
    let outside = Folder::new();
    let engine = engine().await;
    let file = outside.0.join("new").display().to_string();
    let script = format!(
        "setsid -w bash -c '(touch {file}); exec 3<>/dev/tcp/127.0.0.1/1' || true; \
         setsid -w unshare -U true || grep NoNewPrivs /proc/self/status"
    );
    let job = shell(&engine, &script, SandboxLevel::Required).await;
    assert_eq!(stdout(&job).await, "NoNewPrivs:\t1\n");
    assert!(!outside.has("new"));
    let logs = job.logs().await.unwrap();
    for denied in ["touch: ", "/dev/tcp/127.0.0.1/1: ", "unshare: "] {
        let said = |message: &str| message.contains(denied) && message.contains("ermi");
        assert!(logs.iter().any(|line| said(&line.message)), "{logs:?}");
    }
}

#[tokio::test]
async fn the_attempt_says_what_of_it_was_had() {
    let engine = engine().await;
    for level in [SandboxLevel::Required, SandboxLevel::BestEffort] {
        let job = shell(&engine, "exit 0", level).await;
        stdout(&job).await;
        let info = job.info().await.unwrap();
        assert_eq!(info.spec.sandbox.as_ref().unwrap().level, level);
        let parts = info.attempts[0].sandbox.unwrap();
        assert!(parts.no_new_privs && parts.seccomp && parts.landlock.unwrap() >= 6);
    }
    let job = shell(&engine, "exit 0", SandboxLevel::Off).await;
    stdout(&job).await;
    assert_eq!(job.info().await.unwrap().attempts[0].sandbox, None);
}

#[tokio::test]
async fn off_is_the_default_and_an_engine_may_have_another() {
    let folder = Folder::new();
    let touch = format!(
        "echo x > {}/new && grep NoNewPrivs /proc/self/status",
        folder.text()
    );
    let engine = engine().await;
    let job = engine.command(["bash", "-c", &touch]).await.unwrap();
    assert_eq!(stdout(&job).await, "NoNewPrivs:\t0\n");
    let strict = Engine::open("memory:").default_sandbox(Sandbox::required());
    let strict = strict.start().await.unwrap();
    let job = strict.command(["bash", "-c", &touch]).await.unwrap();
    assert!(failed(&job).await.message().contains("Permission denied"));
    assert_eq!(
        stdout(&shell(&strict, &touch, SandboxLevel::Off).await).await,
        "NoNewPrivs:\t0\n"
    );
}

#[tokio::test]
async fn timeouts_limits_pause_kill_and_titles_are_as_ever() {
    let engine = engine().await;
    let command = engine.command(["sleep", "1000"]).timeout("100ms");
    let job = command.sandbox(SandboxLevel::Required).await.unwrap();
    let ended = job.result_timeout("30s").await;
    assert!(matches!(ended, Err(JobError::TimedOut(_))), "{ended:?}");
    let limits = bursar::CommandLimits::new().memory("64MB");
    let hog = ["python3", "-c", "b'x' * 1_000_000_000"];
    let command = engine.command(hog).limits(limits);
    let job = command.sandbox(SandboxLevel::Required).await.unwrap();
    let ended = job.result_timeout("30s").await;
    assert!(
        matches!(ended, Err(JobError::MemoryExceeded(_))),
        "{ended:?}"
    );
    assert_eq!(
        job.info().await.unwrap().attempts[0].isolation,
        Some(Isolation::Rlimit)
    );
    let script = "trap '' TERM; echo $PPID; (setsid sleep 1000 &); sleep 1000";
    let job = shell(&engine, script, SandboxLevel::Required).await;
    let mut events = job.events();
    let guard = loop {
        if let Some(line) = job.logs().await.unwrap().first() {
            break line.message.to_string();
        }
        events.next().await.unwrap();
    };
    let title = || std::fs::read_to_string(format!("/proc/{guard}/cmdline")).unwrap();
    assert!(title().contains(":bash:running"), "{}", title());
    assert!(job.pause().await.unwrap() && job.resume().await.unwrap());
    assert!(job.kill().await.unwrap());
    let ended = job.result_timeout("30s").await;
    assert!(matches!(ended, Err(JobError::Cancelled(_))), "{ended:?}");
}

#[tokio::test]
async fn what_cant_be_is_refused_at_submit() {
    let engine = engine().await;
    for (path, why) in [
        ("out", "sandbox.write: \"out\": it is not a whole path"),
        ("/no/such/folder", "\"/no/such/folder\" can't be written to"),
    ] {
        let sandbox = Sandbox::best_effort().write(path);
        let refused = engine.command(["true"]).sandbox(sandbox).await.unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
    }
    let sandbox = Sandbox::required().write("relative");
    let refused = Engine::open("memory:")
        .default_sandbox(sandbox)
        .start()
        .await;
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("default_sandbox") || refused.contains("sandbox.write"),
        "{refused}"
    );
}

/// Runs a test of this file again in a process of its own, on a system without Landlock.
fn without_landlock(test: &str) -> bool {
    if std::env::var_os(NO_LANDLOCK).is_some() {
        return true;
    }
    // Each of the three calls is answered as a system without them does: python3 sets the filter, and becomes
    // this program.
    let load = "import ctypes, os, struct, sys\n\
        libc = ctypes.CDLL(None, use_errno=True)\n\
        code = [(0x20, 0, 0, 0), (0x35, 0, 2, 444), (0x25, 1, 0, 446), (0x06, 0, 0, 0x50026), \
                (0x06, 0, 0, 0x7fff0000)]\n\
        text = ctypes.create_string_buffer(b''.join(struct.pack('HBBI', *one) for one in code))\n\
        filter = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', len(code), ctypes.addressof(text)))\n\
        assert libc.prctl(38, 1, 0, 0, 0) == 0\n\
        assert libc.prctl(22, 2, filter) == 0\n\
        os.execv(sys.argv[1], sys.argv[1:])";
    let this = std::env::current_exe().unwrap();
    let run = std::process::Command::new("python3")
        .args(["-c", load])
        .arg(this)
        .args([test, "--exact", "--nocapture"])
        .env(NO_LANDLOCK, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(
        run.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&run.stderr)
    );
    assert!(said.contains("1 passed"), "{said}");
    false
}

#[tokio::test]
async fn required_starts_nothing_where_a_part_is_missing() {
    if !without_landlock("required_starts_nothing_where_a_part_is_missing") {
        return;
    }
    let folder = Folder::new();
    let engine = engine().await;
    let script = format!("touch {}/new", folder.text());
    let job = shell(&engine, &script, SandboxLevel::Required).await;
    let failure = failed(&job).await;
    assert_eq!(failure.kind(), "SandboxUnavailable");
    for part in [
        "\"bash\" was not started",
        "Landlock",
        "Linux 6.12",
        "best_effort",
    ] {
        assert!(failure.message().contains(part), "{}", failure.message());
    }
    assert!(!folder.has("new"));
    assert_eq!(job.info().await.unwrap().attempts[0].sandbox, None);
}

#[tokio::test]
async fn best_effort_has_what_there_is_and_says_so() {
    if !without_landlock("best_effort_has_what_there_is_and_says_so") {
        return;
    }
    let folder = Folder::new();
    let engine = engine().await;
    let script = format!(
        "touch {}/new; exec 3<>/dev/tcp/127.0.0.1/1 || echo denied",
        folder.text()
    );
    let job = shell(&engine, &script, SandboxLevel::BestEffort).await;
    assert_eq!(stdout(&job).await, "denied\n");
    assert!(folder.has("new"));
    let parts = job.info().await.unwrap().attempts[0].sandbox;
    let expected = SandboxParts {
        no_new_privs: true,
        landlock: None,
        seccomp: true,
    };
    assert_eq!(parts, Some(expected));
}
