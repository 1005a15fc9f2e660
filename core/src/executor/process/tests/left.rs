//! What a child says that it has at the end of a job, for the next one.

use std::time::Duration;

use super::end;
use super::played::{Played, Player, state};
use crate::executor::process::frame::Kind;
use crate::executor::process::message::{TELLS_WHAT_IS_LEFT, left};
use crate::limits::Times;
use crate::options::{LimitOptions, TaskOptions};
use crate::process::Sizes;

/// The memory that a played child says that it has, in bytes.
const SAID: u64 = 12_345;

/// Has a job run with these options, whose child says at its end what it has; gives the memory that is known of
/// while it runs. Of a child that is played by nobody, the system knows none.
fn known_while_it_runs(played: &Played, player: &mut Player, options: &TaskOptions) -> u64 {
    let ticket = played.submit_with(options);
    let key = player.started();
    let known = played.shared().processes.watchdog().memory();
    let sizes = Sizes {
        resident: SAID,
        ..Sizes::default()
    };
    let left = left(sizes, Times::default());
    player.say(Kind::Ended, key, &end(TELLS_WHAT_IS_LEFT, 0, &left));
    state(&ticket);
    known
}

#[test]
fn what_a_child_says_is_believed_for_a_moment() {
    let played = Played::prefetching(1);
    let (mut player, _) = played.idle();
    let mut run = || known_while_it_runs(&played, &mut player, &TaskOptions::default());
    assert_eq!(run(), 0, "the first end said nothing");
    assert_eq!(run(), SAID);
    played.clock.advance(Duration::from_micros(4_999));
    assert_eq!(run(), SAID);
    played.clock.advance(Duration::from_millis(5));
    assert_eq!(run(), 0, "it may be another by now");
}

#[test]
fn where_a_limit_hangs_on_it_a_child_is_looked_at() {
    let played = Played::prefetching(1);
    let (mut player, _) = played.idle();
    let mut run = |options: &TaskOptions| known_while_it_runs(&played, &mut player, options);
    run(&TaskOptions::default());
    let limits = |limits| TaskOptions {
        limits: Some(limits),
        ..TaskOptions::default()
    };
    let memory = LimitOptions {
        memory: Some(Some(1 << 20)),
        ..LimitOptions::default()
    };
    assert_eq!(run(&limits(memory)), 0);
    let cpu_time = LimitOptions {
        cpu_time: Some(Some(Duration::from_secs(1))),
        ..LimitOptions::default()
    };
    assert_eq!(run(&limits(cpu_time)), 0);
    let files = LimitOptions {
        files: Some(Some(10)),
        ..LimitOptions::default()
    };
    assert_eq!(run(&limits(files)), SAID, "they are counted while it runs");
}
