//! Jobs that a child is given before their turn: whatever becomes of it, each runs to one end, and the budget
//! carries one of them at a time.

use std::collections::VecDeque;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::frame;
use super::played::{NOBODY, Played, Player, state};
use crate::clock::{Clock, SystemClock, Tick};
use crate::executor::process::frame::{Frame, Inbox, Kind, Sender};
use crate::executor::process::nursery::{Death, Family};
use crate::executor::process::turn::PREFETCHED;
use crate::process::{Head, is_stopped};
use crate::{Exit, OutcomeKind, State, Ticket};

/// Where a start says when its job begins.
const FLAGS: usize = 1;

impl Player {
    /// The keys of the next jobs that it is given: the first is to begin at once, the others in their turn.
    fn started_with(&mut self, prefetched: usize) -> Vec<u64> {
        let mut keys = Vec::new();
        for at in 0..=prefetched {
            let (kind, key, body) = self.read();
            assert_eq!(kind, Kind::Start as u8);
            assert_eq!(body[FLAGS] & PREFETCHED != 0, at > 0, "job {at}");
            keys.push(key);
        }
        keys
    }

    fn hand_back(&mut self, keys: &[u64]) {
        let body: Vec<u8> = keys.iter().flat_map(|key| key.to_le_bytes()).collect();
        self.say(Kind::HandedBack, 0, &body);
    }

    fn hears_recall(&mut self) {
        assert_eq!(self.read().0, Kind::Recall as u8);
    }
}

impl Played {
    /// A child that has run a short job, and the next ones.
    fn busy(&self, pid: u32, prefetched: usize) -> (Player, Vec<Arc<Ticket>>, Vec<u64>) {
        let first = self.submit();
        let mut player = self.born_as(pid);
        let key = player.started();
        player.complete(key);
        assert_eq!(state(&first), State::Completed);
        let tickets = self.submit_many(prefetched + 1);
        let keys = player.started_with(prefetched);
        (player, tickets, keys)
    }

    /// How many jobs at once the budget has given something to.
    fn slots(&self) -> u64 {
        let stats = self.engine.stats().wait().unwrap();
        let slots = stats.concurrency.iter().map(|(_, share)| share.reserved);
        slots.sum()
    }

    /// How its attempts ended.
    fn outcomes(&self, ticket: &Ticket) -> Vec<OutcomeKind> {
        let info = self.engine.info(ticket.id(), false).wait().unwrap();
        let outcomes = info.attempts.iter().filter_map(|attempt| attempt.outcome);
        outcomes.collect()
    }

    fn dies(&self, child: &Torn) {
        let death = Death::Exit(Exit::Signal(9));
        self.shared().died(child.player.number, death);
    }

    fn all_complete(&self, tickets: &[Arc<Ticket>]) {
        for ticket in tickets {
            assert_eq!(state(ticket), State::Completed);
        }
    }
}

#[test]
fn short_jobs_are_prefetched_and_share_what_one_needs() {
    let played = Played::prefetching(1);
    let (mut player, tickets, keys) = played.busy(NOBODY, 4);
    assert_eq!(played.slots(), 1);
    for (key, ticket) in keys.iter().zip(&tickets) {
        assert!(!ticket.is_done());
        player.complete(*key);
        assert_eq!(state(ticket), State::Completed);
        assert_eq!(played.outcomes(ticket), [OutcomeKind::Completed]);
    }
    let next = played.submit();
    let key = player.started();
    player.complete(key);
    assert_eq!(state(&next), State::Completed);
}

#[test]
fn what_a_child_hands_back_is_run_again_in_its_old_place() {
    let played = Played::prefetching(1);
    let (mut player, tickets, keys) = played.busy(NOBODY, 3);
    player.hand_back(&keys[2..]);
    player.complete(keys[0]);
    assert_eq!(state(&tickets[0]), State::Completed);
    player.complete(keys[1]);
    // What was handed back once comes when it may begin.
    for _ in 2..4 {
        let key = player.started();
        player.complete(key);
    }
    played.all_complete(&tickets);
    assert_eq!(played.outcomes(&tickets[1]), [OutcomeKind::Completed]);
    let twice = [OutcomeKind::Released, OutcomeKind::Completed];
    assert_eq!(played.outcomes(&tickets[2]), twice);
}

#[test]
fn a_job_that_was_taken_for_begun_is_handed_back_too() {
    let played = Played::prefetching(1);
    let (mut player, tickets, keys) = played.busy(NOBODY, 3);
    // The child gives them back just before it says that the first one has ended, or just after.
    player.complete(keys[0]);
    player.hand_back(&keys[1..]);
    played.all_complete(&tickets[..1]);
    for _ in 1..4 {
        let key = player.started();
        player.complete(key);
    }
    played.all_complete(&tickets);
}

#[test]
fn a_job_that_ends_its_child_takes_no_other_with_it() {
    let played = Played::prefetching(1);
    let (mut player, tickets, keys) = played.busy(NOBODY, 3);
    player.complete(keys[0]);
    // Said by the second one, whose turn has come: nobody has heard of the first one's end yet, perhaps.
    let crash = Death::Exit(Exit::Signal(11));
    played.shared().died(player.number, crash);
    played.all_complete(&tickets[..1]);
    assert_eq!(state(&tickets[1]), State::Failed);
    assert_eq!(played.outcomes(&tickets[1]), [OutcomeKind::Crashed]);
    let mut player = played.born();
    let key = player.started();
    player.complete(key);
    let key = player.started();
    player.complete(key);
    played.all_complete(&tickets[2..]);
}

#[test]
fn a_job_is_not_blamed_for_a_kill_that_was_meant_for_the_one_before() {
    let played = Played::prefetching(1);
    let (mut player, tickets, keys) = played.busy(NOBODY, 2);
    // Its end is on its way when it is killed.
    let end = frame(Kind::Ended, keys[0], &super::end(0, 0, b""));
    let (first, rest) = end.split_at(9);
    player.socket.write_all(first).unwrap();
    played.engine.kill(tickets[0].id(), "").wait().unwrap();
    player.socket.write_all(rest).unwrap();
    assert_eq!(state(&tickets[0]), State::Cancelled);
    played
        .shared()
        .died(player.number, Death::Exit(Exit::Signal(9)));
    let mut player = played.born();
    for _ in 1..3 {
        let key = player.started();
        player.complete(key);
    }
    played.all_complete(&tickets[1..]);
    let twice = [OutcomeKind::Released, OutcomeKind::Completed];
    assert_eq!(played.outcomes(&tickets[1]), twice);
}

#[test]
fn a_job_is_cancelled_before_its_turn() {
    let played = Played::prefetching(1);
    let (mut player, tickets, keys) = played.busy(NOBODY, 3);
    let cancelled = played.engine.cancel(tickets[2].id(), "enough").wait();
    assert!(cancelled.unwrap());
    player.hears_recall();
    player.hand_back(&keys[1..]);
    assert_eq!(state(&tickets[2]), State::Cancelled);
    player.complete(keys[0]);
    for _ in 0..2 {
        let key = player.started();
        player.complete(key);
    }
    played.all_complete(&[&tickets[..2], &tickets[3..]].concat());
}

#[test]
fn a_job_whose_turn_came_before_it_was_asked_to_stop_is_asked_then() {
    let played = Played::prefetching(1);
    let (mut player, tickets, keys) = played.busy(NOBODY, 1);
    let cancelled = played.engine.cancel(tickets[1].id(), "enough").wait();
    assert!(cancelled.unwrap());
    player.hears_recall();
    player.complete(keys[0]);
    assert_eq!(player.read().0, Kind::Reason as u8);
    let (kind, key, reason) = player.read();
    assert_eq!(
        (kind, key, &*reason),
        (Kind::Stop as u8, keys[1], &b"enough"[..])
    );
    player.complete(keys[1]);
    assert_eq!(state(&tickets[1]), State::Cancelled);
}

#[test]
fn a_job_stands_still_once_nothing_waits_behind_it() {
    let played = Played::prefetching(1);
    let mut cat = Command::new("/bin/cat");
    let mut cat = cat.stdin(Stdio::piped()).spawn().unwrap();
    let (mut player, mut tickets, keys) = played.busy(cat.id(), 2);
    let refused = played.engine.pause(tickets[1].id()).wait().unwrap_err();
    assert!(
        refused.message().contains("can't be paused yet"),
        "{refused}"
    );
    assert!(played.engine.pause(tickets[0].id()).wait().unwrap());
    player.hears_recall();
    assert!(!is_stopped(cat.id()), "it could not hand anything back");
    let refused = played.engine.pause(tickets[1].id()).wait();
    assert!(refused.is_err(), "another one was paused");
    player.hand_back(&keys[1..]);
    while !is_stopped(cat.id()) {
        std::thread::yield_now();
    }
    // Nothing comes to one that stands still.
    tickets.extend(played.submit_many(3));
    assert!(played.engine.resume(tickets[0].id()).wait().unwrap());
    while is_stopped(cat.id()) {
        std::thread::yield_now();
    }
    player.complete(keys[0]);
    for _ in 1..tickets.len() {
        let key = player.started();
        player.complete(key);
    }
    played.all_complete(&tickets);
    drop(cat.stdin.take());
    cat.wait().unwrap();
}

/// What a played child has of the jobs that it was given.
struct Torn {
    player: Player,
    inbox: Inbox,
    keys: VecDeque<u64>,
}

impl Torn {
    fn new(player: Player) -> Self {
        Self {
            player,
            inbox: Inbox::of(Sender::Pool),
            keys: VecDeque::new(),
        }
    }

    /// Reads what has come; whether it was asked to give back what has not begun.
    fn read(&mut self) -> bool {
        let mut recalled = false;
        self.inbox.read(&self.player.socket);
        while let Ok(Some(Frame { kind, key, .. })) = self.inbox.take() {
            match kind {
                Kind::Start => self.keys.push_back(key),
                Kind::Recall => recalled = true,
                _ => {}
            }
        }
        recalled
    }

    fn hand_back(&mut self) {
        let later: Vec<u64> = self.keys.drain(1.min(self.keys.len())..).collect();
        self.player.hand_back(&later);
    }

    /// Whether it could say that its first job has ended.
    fn complete(&mut self) -> bool {
        let Some(key) = self.keys.pop_front() else {
            return false;
        };
        let end = frame(Kind::Ended, key, &super::end(0, 0, b""));
        self.player.socket.write_all(&end).is_ok()
    }
}

#[test]
fn whatever_children_do_each_job_has_one_end_and_nothing_stays_reserved() {
    // The order in which another thread hears of it is not replayed.
    let seed = std::env::var("BURSAR_SEED").ok();
    let seed = seed.and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::Rng::new().u64(..));
    eprintln!("replay with BURSAR_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let played = Played::prefetching(2);
    let (mut tickets, mut children) = (Vec::new(), Vec::<Torn>::new());
    let patience = Patience::new();
    while tickets.len() < 3_000 || tickets.iter().any(|ticket: &Arc<Ticket>| !ticket.is_done()) {
        patience.ask(|| {
            let left = tickets.iter().filter(|ticket| !ticket.is_done());
            format!(
                "left: {:?}",
                left.map(|ticket| ticket.id()).collect::<Vec<_>>()
            )
        });
        if tickets.len() < 3_000 && random.u8(..4) == 0 {
            tickets.extend(played.submit_many(random.usize(1..20)));
        }
        children.extend(played.raised_by_now().map(|player| {
            played.shared().born(player.number, Head::alone(NOBODY));
            Torn::new(player)
        }));
        if children.is_empty() {
            continue;
        }
        let which = random.usize(..children.len());
        let child = &mut children[which];
        if child.read() || random.u8(..20) == 0 {
            child.hand_back();
        }
        let some = |random: &mut fastrand::Rng| tickets[random.usize(..tickets.len())].id();
        match random.u16(..400) {
            0 => {
                let gone = children.swap_remove(which);
                played.dies(&gone);
            }
            1..10 => drop(played.engine.cancel(some(&mut random), "").wait().unwrap()),
            10 => drop(played.engine.kill(some(&mut random), "").wait().unwrap()),
            // Most of them don't run, and can't be paused.
            11..20 => drop(played.engine.pause(some(&mut random)).wait()),
            20..60 => drop(played.engine.resume(some(&mut random)).wait()),
            _ => drop(child.complete()),
        }
        for number in played.killed_by_now() {
            let killed = children
                .iter()
                .position(|child| child.player.number == number);
            killed
                .into_iter()
                .for_each(|at| played.dies(&children.swap_remove(at)));
        }
        let running = children.iter().filter(|child| !child.keys.is_empty());
        assert!(running.count() <= 2, "more run than there are slots");
    }
    for ticket in &tickets {
        let ends = played.outcomes(ticket);
        let counted = ends.iter().filter(|end| **end != OutcomeKind::Released);
        // One that is cancelled while it waits has no attempt that counts.
        let least = usize::from(state(ticket) != State::Cancelled);
        assert!((least..=1).contains(&counted.count()), "{ends:?}");
    }
    while played.slots() > 0 {
        patience.ask(|| format!("{} slots are taken", played.slots()));
        std::thread::yield_now();
    }
}

/// How long a test may go on.
struct Patience(SystemClock, Tick);

impl Patience {
    fn new() -> Self {
        let clock = SystemClock::new();
        let begun = clock.tick();
        Self(clock, begun)
    }

    fn ask(&self, why: impl FnOnce() -> String) {
        let passed = self.0.tick().since(self.1);
        assert!(passed < Duration::from_secs(120), "{}", why());
    }
}
