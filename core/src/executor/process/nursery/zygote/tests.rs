use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use super::Process;

#[test]
fn a_child_whose_descriptor_was_lost_is_killed_by_its_number() {
    let mut child = Command::new("sleep").arg("3600").spawn().unwrap();
    let process = Process {
        pid: child.id(),
        descriptor: None,
    };
    process.kill();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}
