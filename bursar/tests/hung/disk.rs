//! A file system that doesn't answer, as a network's that is gone: one of FUSE that nobody serves.

use std::fs::create_dir;
use std::io::{Stdin, stdin};
use std::path::PathBuf;
use std::process::Command;

use bursar_testkit::{Folder, PATIENCE};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Where it is, for who is started in a world that has it.
const PLACE: &str = "BURSAR_DEAD_DISK";

/// Mounts it where nobody else sees it, served by standard input, and runs what is named behind that.
const MOUNT: &str = r#"exec 0<>/dev/fuse &&
mount -i -t fuse -o fd=0,rootmode=40000,user_id=0,group_id=0 dead "$BURSAR_DEAD_DISK" && exec "$@""#;

/// Runs the ignored test `scene` of this program in a world with a dead disk. Where there can be none, since
/// this system has no FUSE for whoever runs it, that is said. The `variables` name it too.
pub(crate) fn play(scene: &str, variables: &[&str]) {
    let folder = Folder::new();
    let place = folder.join("dead");
    create_dir(&place).unwrap();
    let in_its_world = |command: &[&str]| {
        let mut unshare = Command::new("timeout");
        unshare.args(["-k", "1", "60", "unshare", "-rm", "sh", "-c", MOUNT, "sh"]);
        unshare.args(command).env(PLACE, &place);
        unshare.envs(variables.iter().map(|name| (name, &place)));
        unshare.output().unwrap()
    };
    let tried = in_its_world(&["true"]);
    if !tried.status.success() {
        let why = String::from_utf8_lossy(&tried.stderr);
        return eprintln!("not played, since there is no FUSE here: {why}");
    }
    let program = std::env::current_exe().unwrap();
    let program = program.to_str().unwrap();
    let played = in_its_world(&[program, scene, "--exact", "--ignored", "--nocapture"]);
    let told = String::from_utf8_lossy(&played.stdout);
    assert!(
        played.status.success() && told.contains("1 passed"),
        "{}\n{told}\n{}",
        played.status,
        String::from_utf8_lossy(&played.stderr)
    );
}

/// The disk.
pub(crate) struct DeadDisk {
    /// The other end of every request.
    requests: Stdin,
    pub(crate) place: PathBuf,
}

impl DeadDisk {
    /// That of this world; `None` where there is none, since the scene wasn't [played](play).
    pub(crate) fn here() -> Option<Self> {
        let disk = Self {
            requests: stdin(),
            place: std::env::var_os(PLACE)?.into(),
        };
        disk.begin();
        Some(disk)
    }

    /// Says that it is there: before that, nobody's request would be seen.
    fn begin(&self) {
        let mut request = vec![0; 1 << 20];
        let length = rustix::io::read(&self.requests, &mut request[..]).unwrap();
        assert!(length >= 40, "no request of FUSE");
        let (init, unique) = (&request[4..8], &request[8..16]);
        assert_eq!(init, 26_u32.to_ne_bytes(), "it begins with FUSE_INIT");
        // fuse_out_header, then fuse_init_out of version 7.31: 64 bytes, nothing of which is used.
        let mut reply = Vec::new();
        reply.extend(80_u32.to_ne_bytes());
        reply.extend(0_i32.to_ne_bytes());
        reply.extend(unique);
        for number in [7_u32, 31, 0, 0, 0, 4_096, 1] {
            reply.extend(number.to_ne_bytes());
        }
        reply.resize(80, 0);
        assert_eq!(rustix::io::write(&self.requests, &reply), Ok(reply.len()));
    }

    /// Waits until somebody waits for it. The request is left where it is: only then can who waits be killed.
    pub(crate) fn wait_for_a_victim(&self) {
        let patience = Timespec::try_from(PATIENCE).unwrap();
        let mut fds = [PollFd::new(&self.requests, PollFlags::IN)];
        assert_eq!(poll(&mut fds, Some(&patience)), Ok(1), "nobody came");
    }
}
