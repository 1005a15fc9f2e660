//! Ends the groups of an engine that was killed: a shell that reads which there are, and that nothing but
//! the end of its input stops.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, Stdio};

use parking_lot::Mutex;

/// Reads `+ 42` for a group that there is, and `- 42` for one that is gone. Its input ends with the engine,
/// in whatever way that ends; it then kills what there is.
const SCRIPT: &str = r#"
trap '' HUP INT QUIT TERM TSTP TTIN TTOU USR1 USR2
groups=' '
while read -r what group; do
  case $what in
    +) groups="$groups$group " ;;
    -) case $groups in *" $group "*) groups="${groups%%" $group "*} ${groups#*" $group "}" ;; esac ;;
  esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
"#;

/// Keeps the groups of an engine from outliving it.
pub(super) struct Keeper {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    shell: Option<Shell>,
    groups: BTreeSet<u32>,
}

struct Shell {
    /// Taken when it is dropped.
    input: Option<ChildStdin>,
    child: Option<Child>,
}

impl Keeper {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::default(),
        }
    }

    /// Starts the shell, where there is none. Called before anything is started that could be given its input by
    /// mistake, where the system can't make a descriptor that is not passed on in one step.
    ///
    /// # Errors
    /// Those of the system.
    pub(super) fn be_there(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.shell.is_none() {
            state.shell = Some(Shell::start()?);
        }
        Ok(())
    }

    /// There is one more group.
    ///
    /// # Errors
    /// Those of the system, where there can be no shell: the group would not be kept.
    pub(super) fn add(&self, group: u32) -> io::Result<()> {
        let mut state = self.state.lock();
        state.groups.insert(group);
        if let Some(shell) = &mut state.shell
            && shell.tell('+', group).is_ok()
        {
            return Ok(());
        }
        // The first one, or somebody has killed it.
        state.shell = None;
        let mut shell = Shell::start()?;
        for group in &state.groups {
            shell.tell('+', *group)?;
        }
        state.shell = Some(shell);
        Ok(())
    }

    /// Nothing of a group is left.
    pub(super) fn remove(&self, group: u32) {
        let mut state = self.state.lock();
        state.groups.remove(&group);
        if let Some(shell) = &mut state.shell
            && shell.tell('-', group).is_err()
        {
            state.shell = None;
        }
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock();
        f.debug_struct("Keeper")
            .field("groups", &state.groups.len())
            .finish_non_exhaustive()
    }
}

impl Shell {
    fn start() -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "bursar-keeper"]);
        command.env_clear().current_dir("/").process_group(0);
        command.stdin(Stdio::piped());
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self {
            input: child.stdin.take(),
            child: Some(child),
        })
    }

    fn tell(&mut self, what: char, group: u32) -> io::Result<()> {
        let input = self.input.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        input.write_all(format!("{what} {group}\n").as_bytes())
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // It ends what there is, and then itself.
        self.input = None;
        let Some(mut child) = self.child.take() else {
            return;
        };
        let reaper = std::thread::Builder::new().name("bursar-reaper".into());
        // Without a thread, the system takes it in when this process ends.
        let _ = reaper.spawn(move || child.wait());
    }
}
