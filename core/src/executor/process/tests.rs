//! What a child sends: whole, in parts, and hostile; and what becomes of what it is sent.

mod left;
mod played;
mod pool;
mod prefetched;

use std::sync::{Arc, mpsc};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use super::frame::{Frame, HEADER, Inbox, Kind, LARGEST, Malformed, Read, header};
use super::link::{Hears, Link, Sent};
use super::message::Body;
use crate::outcome::Ended;
use crate::process::Reactor;

const PATIENCE: Duration = Duration::from_secs(30);

fn frame(kind: Kind, key: u64, body: &[u8]) -> Vec<u8> {
    let mut bytes = header(body.len(), kind, key).unwrap().to_vec();
    bytes.extend(body);
    bytes
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u32).to_le_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

/// The body of an end: outcome, encoding, processor time, peak, and the rest.
fn end(outcome: u8, content: u8, rest: &[u8]) -> Vec<u8> {
    let mut body = vec![outcome, content];
    body.extend(7_u64.to_le_bytes());
    body.extend(4_096_u64.to_le_bytes());
    body.extend(rest);
    body
}

#[test]
fn frames_are_put_together_however_they_are_cut() {
    let frames = [
        (Kind::Ended, 1, vec![]),
        (Kind::Log, u64::MAX, b"hello".to_vec()),
        (Kind::Ended, 3, vec![7; 300]),
    ];
    let stream: Vec<u8> = frames
        .iter()
        .flat_map(|(kind, key, body)| frame(*kind, *key, body))
        .collect();
    for step in 1..=stream.len() {
        let (mut inbox, mut taken) = (Inbox::default(), Vec::new());
        for part in stream.chunks(step) {
            inbox.put(part);
            while let Some(frame) = inbox.take().unwrap() {
                taken.push((frame.kind, frame.key, frame.body));
            }
        }
        assert_eq!(taken, frames, "cut every {step} bytes");
    }
}

#[test]
fn what_is_announced_as_too_large_is_not_waited_for() {
    for length in [LARGEST + 1, u32::MAX as usize] {
        let mut inbox = Inbox::default();
        inbox.put(&header(length, Kind::Ended, 1).unwrap());
        let Malformed(what) = inbox.take().unwrap_err();
        assert!(what.contains(&length.to_string()), "{what}");
    }
    let mut inbox = Inbox::default();
    inbox.put(&header(LARGEST, Kind::Ended, 1).unwrap());
    assert_eq!(inbox.take(), Ok(None));
}

#[test]
fn a_length_beyond_four_bytes_is_refused_and_not_cut() {
    assert!(header(u32::MAX as usize + 1, Kind::Start, 1).is_err());
}

#[test]
fn kinds_that_no_child_sends_are_refused_at_once() {
    for code in (0..=255).filter(|code| !(16..=25).contains(code)) {
        let mut bytes = header(1_000, Kind::Ended, 1).unwrap();
        bytes[4] = code;
        let mut inbox = Inbox::default();
        inbox.put(&bytes);
        assert!(inbox.take().is_err(), "kind {code}");
    }
}

#[test]
fn a_socket_is_read_until_it_ends() {
    use std::io::Write;
    let (mut child, pool) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut inbox = Inbox::default();
    assert_eq!(inbox.read(&pool), Read::Nothing);
    let large = vec![9; 1 << 20];
    let sent = frame(Kind::Ended, 5, &large);
    let writer = std::thread::spawn(move || child.write_all(&sent).unwrap());
    let mut taken = None;
    while taken.is_none() {
        inbox.read(&pool);
        taken = inbox.take().unwrap();
    }
    writer.join().unwrap();
    let expected = Frame {
        kind: Kind::Ended,
        key: 5,
        body: large,
    };
    assert_eq!(taken, Some(expected));
    assert_eq!(inbox.read(&pool), Read::End);
}

#[test]
fn ends_are_read_as_they_were_sent() {
    let failure = [text("ValueError"), text("bad"), text("Traceback")].concat();
    let seconds = [vec![1], 2.5_f64.to_le_bytes().to_vec(), failure.clone()].concat();
    let ended = |body: Vec<u8>| Body(&body).end(false).unwrap();
    let returned = ended(end(0, 1, b"[1]"));
    assert_eq!(
        (returned.cpu_time.as_micros(), returned.peak_memory),
        (7, 4_096)
    );
    assert!(matches!(returned.ended, Ended::Returned(value) if value.as_json() == Some(b"[1]")));
    assert!(
        matches!(ended(end(1, 0, &failure)).ended, Ended::Raised(failure)
            if failure.kind == "ValueError" && failure.traceback.as_deref() == Some("Traceback"))
    );
    assert!(
        matches!(ended(end(2, 0, &seconds)).ended, Ended::Retry(Some(delay), _)
        if delay.as_millis() == 2_500)
    );
    assert!(matches!(ended(end(3, 0, &failure)).ended, Ended::GaveUp(_)));
    assert!(matches!(ended(end(4, 0, &text("no"))).ended, Ended::Cancelled(why) if why == "no"));
}

#[test]
fn delays_of_any_size_are_survived() {
    let failure = [text("Retry"), text(""), text("")].concat();
    for (seconds, expected) in [(0.0, None), (-1.0, None), (f64::NAN, None)] {
        let body = [vec![1], f64::to_le_bytes(seconds).to_vec(), failure.clone()].concat();
        let ended = Body(&end(2, 0, &body)).end(false).unwrap().ended;
        assert!(
            matches!(ended, Ended::Retry(delay, _) if delay == expected),
            "{seconds}"
        );
    }
    for seconds in [f64::INFINITY, 1e300] {
        let body = [vec![1], f64::to_le_bytes(seconds).to_vec(), failure.clone()].concat();
        let ended = Body(&end(2, 0, &body)).end(false).unwrap().ended;
        assert!(matches!(ended, Ended::Retry(Some(_), _)), "{seconds}");
    }
    let body = [vec![2], vec![0; 8], text("3 lightyears"), failure].concat();
    let ended = Body(&end(2, 0, &body)).end(false).unwrap().ended;
    assert!(matches!(ended, Ended::GaveUp(failure) if failure.message.contains("lightyears")));
}

#[test]
fn where_json_is_asked_for_nothing_else_is_read() {
    assert!(Body(&end(0, 2, b"pickle")).end(true).is_err());
    assert!(Body(&end(0, 2, b"pickle")).end(false).is_ok());
    assert!(Body(&end(0, 1, b"1")).end(true).is_ok());
}

/// Every body that is cut short anywhere, and many that are noise, is refused or read, and never more.
#[test]
fn hostile_bodies_are_refused_and_nothing_breaks() {
    let failure = [text("E"), text("m"), text("t")].concat();
    let retry = [vec![2], vec![0; 8], text("5s"), failure.clone()].concat();
    let bodies = [
        end(0, 1, b"null"),
        end(1, 0, &failure),
        end(2, 0, &retry),
        end(4, 0, &text("why")),
    ];
    for body in &bodies {
        for length in 0..body.len() {
            let cut = Body(&body[..length]).end(true);
            assert!(cut.is_err() || length >= 18, "{length} bytes of {body:?}");
        }
    }
    let seed = 0x5eed;
    let mut random = fastrand::Rng::with_seed(seed);
    for round in 0..20_000 {
        let noise: Vec<u8> = (0..random.usize(..64)).map(|_| random.u8(..)).collect();
        let read = std::panic::catch_unwind(|| {
            let _ = Body(&noise).end(false);
            let _ = Body(&noise).progress();
            let _ = Body(&noise).log();
            let mut inbox = Inbox::default();
            inbox.put(&noise);
            while let Ok(Some(_)) = inbox.take() {}
        });
        assert!(read.is_ok(), "seed {seed}, round {round}: {noise:?}");
    }
    // A length that is a lie.
    let lie = [u32::MAX.to_le_bytes().to_vec(), b"x".to_vec()].concat();
    assert!(Body(&end(4, 0, &lie)).end(false).is_err());
    assert!(Body(&lie).log().is_err());
    assert_eq!(frame(Kind::Log, 1, b"").len(), HEADER);
}

/// Hears that a child has ended.
struct Told(mpsc::Sender<u64>);

impl Hears for Told {
    fn frame(&self, _: u64, _: Frame) {}

    fn malformed(&self, _: u64, _: Malformed) {}

    fn ended(&self, child: u64) {
        let _ = self.0.send(child);
    }
}

#[test]
fn where_the_system_has_no_memory_for_it_a_frame_is_sent_later() {
    for none in [Errno::AGAIN, Errno::NOBUFS, Errno::NOMEM] {
        assert_eq!(Sent::from(Err(none)), Sent::Some(0), "{none}");
    }
    for end in [Errno::PIPE, Errno::CONNRESET] {
        assert_eq!(Sent::from(Err(end)), Sent::Gone, "{end}");
    }
    assert_eq!(Sent::from(Err(Errno::MSGSIZE)), Sent::Failed);
}

#[test]
fn a_child_that_nothing_can_be_sent_to_has_ended() {
    // A socket that keeps messages apart refuses one that is larger than its buffer.
    let kind = SocketType::SEQPACKET;
    let (ours, _theirs) =
        socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).unwrap();
    let reactor = Reactor::new().unwrap();
    let (tell, told) = mpsc::channel();
    let hears: Arc<dyn Hears> = Arc::new(Told(tell));
    let link = Link::open(7, ours, &reactor, Arc::downgrade(&hears)).unwrap();
    link.send(Kind::Start, 1, [&vec![0; 64 << 20], &[]])
        .unwrap();
    assert_eq!(told.recv_timeout(PATIENCE), Ok(7));
    link.close();
}
