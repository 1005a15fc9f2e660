//! What becomes of jobs when their children end at the wrong time.

use std::io::Read;
use std::sync::Arc;

use super::played::{NOBODY, Played, state};
use super::{PATIENCE, text};
use crate::executor::process::frame::Kind;
use crate::executor::process::nursery::{Death, Family};
use crate::process::Head;
use crate::{Exit, State};

#[test]
fn a_job_for_a_child_that_has_ended_is_given_to_another() {
    let played = Played::new();
    let (player, _) = played.idle();
    drop(player);
    let ticket = played.submit();
    played.completes_at_once(&ticket);
}

#[test]
fn a_job_whose_child_ends_before_it_is_told_of_it_is_given_to_another() {
    let played = Played::new();
    let (idle, _) = played.idle();
    let shared = played.shared();
    // Another job, which an unborn child was to have, is for the idle one now.
    let idle = shared.roster.lock().child(idle.number).unwrap();
    shared.roster.lock().bury(idle.number);
    let ticket = played.submit();
    let unborn = played.raised();
    let unborn = shared.roster.lock().child(unborn.number).unwrap();
    let assignment = unborn.take_back().unwrap();
    let child = {
        let mut roster = shared.roster.lock();
        roster.welcome(Arc::clone(&idle), assignment.attempt.key());
        roster.free(assignment.attempt.key());
        roster.rest(idle);
        roster.seat(assignment).unwrap()
    };
    shared.died(child.number, Death::Exit(Exit::Signal(9)));
    shared.hand_over(&child);
    played.completes_at_once(&ticket);
}

#[test]
fn a_late_note_of_a_job_is_refused_and_the_next_one_goes_on() {
    let played = Played::new();
    let (mut player, over) = played.idle();
    let ticket = played.submit();
    let key = player.started();
    let line = [text("info"), text("too late")].concat();
    player.say(Kind::Log, over, &line);
    let (kind, refused, body) = player.read();
    assert_eq!((kind, refused), (Kind::Reply as u8, over));
    assert!(String::from_utf8_lossy(&body).contains("Conflict"));
    player.complete(key);
    assert_eq!(state(&ticket), State::Completed);
    assert!(played.killed.try_recv().is_err());
}

#[test]
fn the_end_of_a_job_that_it_doesnt_run_is_the_end_of_a_child() {
    let played = Played::new();
    let (mut player, over) = played.idle();
    player.complete(over);
    assert_eq!(played.killed.recv_timeout(PATIENCE), Ok(player.number));
}

#[test]
fn a_child_that_is_killed_before_it_is_born_is_killed_then() {
    let played = Played::new();
    let ticket = played.submit();
    let mut player = played.raised();
    let shared = played.shared();
    let child = shared.roster.lock().child(player.number).unwrap();
    child.condemn(None);
    assert_eq!(played.killed.recv_timeout(PATIENCE), Ok(player.number));
    shared.born(player.number, Head::alone(NOBODY));
    assert_eq!(played.killed.try_recv(), Ok(player.number));
    shared.died(player.number, Death::Exit(Exit::Signal(9)));
    assert_eq!(state(&ticket), State::Failed);
    assert_eq!(
        player.socket.read(&mut [0]).unwrap(),
        0,
        "it was given a job"
    );
}
