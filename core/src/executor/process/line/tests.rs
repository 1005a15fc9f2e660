//! The line as a child holds it, with a pool that is played by the test.

mod turns;

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use super::{ChildLine, ChildNext, ChildStop};
use crate::error::ErrorKind;
use crate::executor::process::frame::{Frame, HEADER, Inbox, Kind, LARGEST_RESULT, header};
use crate::executor::process::message::{Body, Breakage, CHECKPOINT, ENCODED, HOST, JSON, reply};
use crate::outcome::{Ended, Failure};
use crate::payload::Payload;

const PATIENCE: Duration = Duration::from_secs(30);

fn pair() -> (UnixStream, Arc<ChildLine>) {
    let (pool, child) = UnixStream::pair().unwrap();
    (
        pool,
        Arc::new(ChildLine::new(OwnedFd::from(child)).unwrap()),
    )
}

fn send(mut pool: &UnixStream, kind: Kind, key: u64, body: &[u8]) {
    let header = header(body.len(), kind, key).unwrap();
    pool.write_all(&[&header, body].concat()).unwrap();
}

/// The next frame that the child has sent.
fn heard(mut pool: &UnixStream) -> Frame {
    let mut bytes = vec![0; HEADER];
    pool.read_exact(&mut bytes).unwrap();
    let length = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    bytes.resize(HEADER + length as usize, 0);
    pool.read_exact(&mut bytes[HEADER..]).unwrap();
    let mut inbox = Inbox::default();
    inbox.put(&bytes);
    inbox.take().unwrap().unwrap()
}

fn start(content: u8, flags: u8, args: &[u8]) -> Vec<u8> {
    let mut body = vec![content, flags];
    body.extend(2_u32.to_le_bytes());
    body.extend(1_u32.to_le_bytes());
    body.extend(5_000_000_u64.to_le_bytes());
    body.extend(64_u64.to_le_bytes());
    body.extend([9; 16]);
    body.extend(4_u16.to_le_bytes());
    body.extend(6_u16.to_le_bytes());
    body.extend(3_u32.to_le_bytes());
    body.extend(b"taskplace:{}!");
    body.extend(args);
    body
}

#[test]
fn a_job_is_read_as_it_was_sent() {
    let (pool, line) = pair();
    assert!(matches!(line.next(Duration::ZERO), ChildNext::Nothing));
    send(
        &pool,
        Kind::Start,
        7,
        &start(HOST, CHECKPOINT | ENCODED, b"args"),
    );
    let ChildNext::Job(job) = line.next(PATIENCE) else {
        panic!("there was a job");
    };
    assert_eq!(
        (job.key, job.number, job.failures, job.memory),
        (7, 2, 1, 64)
    );
    assert_eq!((&*job.task, &*job.address), ("task", "place:"));
    assert_eq!(job.id.as_bytes(), &[9; 16]);
    assert_eq!(job.deadline.unwrap().micros(), 5_000_000);
    assert_eq!(job.checkpoint.as_deref(), Some(&b"{}!"[..]));
    assert_eq!(job.args.as_host_bytes(), Some(&b"args"[..]));
    assert!(job.encoded);
    send(&pool, Kind::Start, 8, &start(JSON, 0, b"[1]"));
    let ChildNext::Job(job) = line.next(PATIENCE) else {
        panic!("there was a job");
    };
    assert_eq!((job.checkpoint, job.encoded), (None, false));
    assert_eq!(job.args.as_json(), Some(&b"[1]"[..]));
}

#[test]
fn ends_are_read_by_the_pool_as_they_were_said() {
    let (pool, line) = pair();
    let failure = || Failure {
        traceback: Some("at ü".into()),
        live: Payload::host_bytes(&b"itself"[..]),
        ..Failure::new("Odd", "x".repeat(2 << 20))
    };
    let ends = [
        Ended::Returned(Payload::host_bytes(&b"value"[..])),
        Ended::Returned(Payload::Null),
        Ended::Raised(failure()),
        Ended::Retry(Some(Duration::from_millis(1_500)), failure()),
        Ended::Retry(None, failure()),
        Ended::GaveUp(failure()),
        Ended::Cancelled("enough".into()),
    ];
    for said in ends {
        let teller = Arc::clone(&line);
        let told = std::thread::spawn(move || {
            teller.end(3, &said, 4_096).unwrap();
            said
        });
        let frame = heard(&pool);
        let said = told.join().unwrap();
        assert_eq!((frame.kind, frame.key), (Kind::Ended, 3));
        let end = Body(&frame.body).end(false).unwrap();
        assert_eq!(end.peak_memory, 4_096);
        match (said, end.ended) {
            (Ended::Returned(said), Ended::Returned(heard)) => {
                assert_eq!(said.as_host_bytes(), heard.as_host_bytes());
            }
            (Ended::Raised(_), Ended::Raised(heard)) | (Ended::GaveUp(_), Ended::GaveUp(heard)) => {
                assert_eq!((&*heard.kind, heard.message.len()), ("Odd", 1 << 20));
                assert_eq!(heard.traceback.as_deref(), Some("at ü"));
                assert_eq!(heard.live.as_host_bytes(), Some(&b"itself"[..]));
            }
            (Ended::Retry(said, _), Ended::Retry(heard, _)) => assert_eq!(said, heard),
            (Ended::Cancelled(said), Ended::Cancelled(heard)) => assert_eq!(said, heard),
            (said, heard) => panic!("{said:?} was heard as {heard:?}"),
        }
    }
}

#[test]
fn what_only_the_pool_can_say_is_refused() {
    let (_pool, line) = pair();
    let error = line.end(1, &Ended::Released, 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    let live = Ended::Returned(Payload::Live(Arc::new(())));
    assert_eq!(
        line.end(1, &live, 0).unwrap_err().kind(),
        ErrorKind::Invalid
    );
    let large = Payload::host_bytes(vec![0; LARGEST_RESULT + 1]);
    let error = ChildLine::check(&large).unwrap_err();
    assert!(error.message().contains("268435457 bytes"), "{error}");
    assert!(ChildLine::check(&Payload::host_bytes(vec![0; LARGEST_RESULT])).is_ok());
}

#[test]
fn a_note_waits_for_its_answer_though_another_thread_watches() {
    let (pool, line) = pair();
    let watcher = Arc::clone(&line);
    let watching = std::thread::spawn(move || while watcher.watch() {});
    let noter = Arc::clone(&line);
    let noting = std::thread::spawn(move || {
        for round in 0..500 {
            noter.log(5, "info", &format!("{round}")).unwrap();
        }
        noter.progress(5, 101.0, Some("much"))
    });
    for _ in 0..500 {
        assert_eq!(heard(&pool).kind, Kind::Log);
        send(&pool, Kind::Reply, 5, &reply(Ok(())));
    }
    let frame = heard(&pool);
    let (percent, message) = Body(&frame.body).progress().unwrap();
    assert_eq!((percent, message.as_deref()), (101.0, Some("much")));
    let refused = crate::error::Error::invalid("too far");
    send(&pool, Kind::Reply, 5, &reply(Err(refused)));
    let error = noting.join().unwrap().unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Invalid, "too far")
    );
    drop(pool);
    watching.join().unwrap();
}

#[test]
fn a_request_to_stop_says_why_and_is_for_its_job_alone() {
    let (pool, line) = pair();
    send(&pool, Kind::Start, 1, &start(JSON, 0, b"[]"));
    send(&pool, Kind::Reason, 1, b"timed_out");
    send(&pool, Kind::Stop, 1, b"it took too long");
    let expected = ChildStop {
        kind: "timed_out".into(),
        reason: "it took too long".into(),
    };
    // What the watching thread has read is there for the other one.
    while line.stopped(1).is_none() {
        assert!(line.watch());
    }
    assert_eq!(line.stopped(1), Some(expected));
    assert_eq!(line.stopped(2), None);
    assert!(matches!(line.next(Duration::ZERO), ChildNext::Job(job) if job.key == 1));
}

#[test]
fn what_breaks_a_child_is_read_by_the_pool() {
    let (pool, line) = pair();
    line.breaks(None);
    let frame = heard(&pool);
    assert_eq!(frame.kind, Kind::Breaks);
    assert!(matches!(
        Body(&frame.body).breakage(),
        Ok(Breakage::OfEarlier)
    ));
    line.breaks(Some(&Failure::new("Odd", "why")));
    let frame = heard(&pool);
    let Ok(Breakage::OfJob(failure)) = Body(&frame.body).breakage() else {
        panic!("it was the job");
    };
    assert_eq!((&*failure.kind, &*failure.message), ("Odd", "why"));
    line.spent(4);
    let frame = heard(&pool);
    assert_eq!((frame.kind, frame.key), (Kind::Spent, 4));
    line.loads(4);
    assert_eq!(heard(&pool).kind, Kind::Loads);
    line.loaded(4);
    assert_eq!(heard(&pool).kind, Kind::Loaded);
    for noise in [&b""[..], &[2], &[1, 255, 255, 255, 255]] {
        assert!(Body(noise).breakage().is_err(), "{noise:?}");
    }
}

#[test]
fn the_end_of_the_pool_is_seen_by_all() {
    let (pool, line) = pair();
    drop(pool);
    assert!(!line.watch());
    assert!(matches!(line.next(PATIENCE), ChildNext::Never));
    assert_eq!(
        line.log(1, "info", "x").unwrap_err().kind(),
        ErrorKind::Closed
    );
    for noise in [&[0; HEADER][..], &header(0, Kind::Ended, 1).unwrap()] {
        let (mut pool, line) = pair();
        pool.write_all(noise).unwrap();
        assert!(matches!(line.next(PATIENCE), ChildNext::Never), "{noise:?}");
    }
}
