//! The thread that looks at what others do. It sleeps until it is called or rung: then it tells
//! what others have changed. While anybody runs jobs it also looks, now and then, whether they
//! still live, and says so of us.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bursar_core::{Clock, Followed, Position, Tick};
use rusqlite::Connection;

use crate::codes::stored;
use crate::ears::{Bells, Ears, Heard};
use crate::error::{Fault, Outcome, Trouble, is_fatal};
use crate::judge::{Judge, Life};
use crate::lane::Answer;
use crate::open::{Place, Role};
use crate::read::Reading;
use crate::row::Library;
use crate::seat;
use crate::sql;
use crate::watch::{EndOf, Watch};
use crate::writer::{Asked, Works};

/// How often the others are looked at while they run jobs.
const LOOK: Duration = Duration::from_secs(1);

/// How long a session may be silent, and how often it speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    beat: Duration,
    look: Duration,
    patience: Duration,
}

impl Pace {
    pub(crate) fn new(lease: Duration, grace: Duration) -> Self {
        Self {
            beat: lease / 3,
            look: LOOK.min(lease / 3),
            patience: lease.saturating_add(grace),
        }
    }
}

/// The thread's side.
pub(crate) struct Watcher {
    place: Arc<Place>,
    works: Arc<Works>,
    clock: Arc<dyn Clock>,
    pace: Pace,
    judge: Judge,
    library: Library,
    connection: Option<Connection>,
    /// Our bell can be heard: that of this session.
    hears: Option<i64>,
    looked: Option<Tick>,
    /// The version of the file at the last look.
    version: Option<i64>,
    beaten: Option<Tick>,
    /// Jobs run here; and elsewhere, or they may.
    runs: bool,
    others_run: bool,
}

impl Watcher {
    pub(crate) fn new(
        place: Arc<Place>,
        works: Arc<Works>,
        clock: Arc<dyn Clock>,
        pace: Pace,
    ) -> Self {
        Self {
            place,
            works,
            clock,
            pace,
            judge: Judge::new(pace.patience, pace.look * 2),
            library: Library::default(),
            connection: None,
            hears: None,
            looked: None,
            version: None,
            beaten: None,
            runs: false,
            others_run: false,
        }
    }

    pub(crate) fn run(mut self, watch: &Arc<Watch>) {
        let end = EndOf(Arc::clone(watch));
        let Some(ears) = watch.ears.get() else { return };
        let mut heard = Heard { an_end: true };
        while !watch.is_closed() {
            if self.is_time(watch, heard) {
                self.look(watch, ears);
            }
            self.tell(watch);
            heard = ears.wait(self.hears.is_some(), self.rest());
        }
        drop(self.connection.take());
        drop(end);
    }

    /// How long nothing need be done unless there is something to hear.
    fn rest(&self) -> Option<Duration> {
        if self.others_run {
            return Some(self.pace.look);
        }
        self.runs.then_some(self.pace.beat)
    }

    /// Whether the others are to be looked at. However often the bell is rung, that is not more
    /// often than needed: it costs a few system calls for each of them.
    fn is_time(&mut self, watch: &Watch, heard: Heard) -> bool {
        let now = self.clock.tick();
        let rested = self
            .looked
            .is_none_or(|last| now.since(last) >= self.pace.look);
        // Whoever has claimed its first job is to speak from now on; and our bell is another one
        // in another session.
        let begins = watch.busy.load(Ordering::SeqCst) && !self.runs;
        let moved = self.hears.is_some_and(|own| own != self.session());
        // Those who ring may run something.
        self.others_run = true;
        rested || heard.an_end || begins || moved
    }

    fn session(&self) -> i64 {
        self.place.here.session.load(Ordering::SeqCst)
    }

    fn look(&mut self, watch: &Watch, ears: &Ears) {
        // What is claimed from here on calls again.
        watch.busy.store(false, Ordering::SeqCst);
        let now = self.clock.tick();
        self.looked = Some(now);
        let read = self.reading(|reading| Ok((reading.lives()?, reading.version()?)));
        let Ok((all, version)) = read else {
            return;
        };
        let could_write = self.could_write(version);
        let own = self.session();
        let (ours, others): (Vec<Life>, Vec<Life>) =
            all.into_iter().partition(|life| life.session == own);
        // Before they are looked at: whoever ends later is heard.
        self.attend(ears, own, &others);
        self.bury_dead(now, &others, could_write);
        self.runs = ours.iter().any(|life| life.runs);
        self.others_run = others.iter().any(|life| life.runs);
        if self.runs {
            watch.busy.store(true, Ordering::SeqCst);
        }
        if ours.is_empty() || (self.runs && !others.is_empty()) {
            self.beat(now);
        }
    }

    fn attend(&mut self, ears: &Ears, own: i64, others: &[Life]) {
        let path = |session| seat::path_of(&self.place.path, session);
        let bells = Bells {
            own: path(own),
            others: others.iter().map(|life| path(life.session)).collect(),
        };
        self.hears = ears.attend(&bells).then_some(own);
    }

    /// Whether anybody can have written since the last look: somebody has, or nobody keeps the turn.
    fn could_write(&mut self, version: i64) -> bool {
        let before = self.version.replace(version);
        before != Some(version) || self.place.guard.is_turn_free()
    }

    /// Has those buried that are gone: their lock is free, or their counter stands still.
    fn bury_dead(&mut self, now: Tick, others: &[Life], could_write: bool) {
        let hang = self.judge.look(now, others, could_write);
        let gone = others.iter().map(|life| life.session);
        let gone = gone.filter(|session| seat::is_empty(&self.place.path, *session));
        let gone: Vec<(i64, Option<i64>)> = gone.map(|session| (session, None)).collect();
        let hang = hang
            .into_iter()
            .map(|(session, beat)| (session, Some(beat)));
        for (session, beat) in gone.into_iter().chain(hang) {
            self.ask(1, move |books| Ok(books.bury(session, beat)?));
        }
    }

    /// Raises our counter. A session that was found to be gone is followed by another one.
    fn beat(&mut self, now: Tick) {
        let due = self
            .beaten
            .is_none_or(|last| now.since(last) >= self.pace.beat.mul_f64(0.9));
        if due {
            self.beaten = Some(now);
            self.ask(0, |books| Ok(books.beat()?));
        }
    }

    fn ask<F>(&self, weight: usize, ask: F)
    where
        F: Fn(&mut crate::books::Books<'_>) -> Outcome<()> + Send + 'static,
    {
        let (answer, _) = Answer::new();
        // Whether it was done is seen at the next look.
        let _ = self.works.push(Box::new(Asked {
            weight,
            ask,
            answer,
        }));
    }

    /// Tells those who wait what others have changed.
    fn tell(&mut self, watch: &Watch) {
        let mut waiting = Vec::new();
        for mut follower in watch.take() {
            let (after, limit) = (follower.after, follower.limit);
            match self.reading(|reading| reading.changes(after, limit)) {
                Ok(Followed {
                    jobs,
                    gone,
                    next: Position::Changed(next),
                    gap: false,
                }) if jobs.is_empty() && gone.is_empty() => {
                    follower.after = stored(next);
                    waiting.push(follower);
                }
                told => follower.answer.give(told),
            }
        }
        watch.put_back(waiting);
    }

    /// Reads in one snapshot.
    fn reading<T>(
        &mut self,
        look: impl FnOnce(&mut Reading<'_>) -> Outcome<T>,
    ) -> bursar_core::Result<T> {
        let done = self.snapshot(look);
        done.map_err(|fault| match fault {
            Fault::Refused(error) => error,
            Fault::Sqlite(error) => Trouble::of(&self.place.path, &error).error(),
        })
    }

    fn snapshot<T>(&mut self, look: impl FnOnce(&mut Reading<'_>) -> Outcome<T>) -> Outcome<T> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.place.connect(Role::Reader)?,
        };
        let begun = connection.execute_batch(sql::BEGIN_READ);
        let done = begun.map_err(Fault::from).and_then(|()| {
            look(&mut Reading {
                spill: &self.place.spill,
                connection: &connection,
                library: &mut self.library,
                here: &self.place.here,
            })
        });
        if !connection.is_autocommit() {
            // It has written nothing: how it ends doesn't matter.
            let _ = connection.execute_batch(sql::COMMIT);
        }
        if !matches!(&done, Err(Fault::Sqlite(error)) if is_fatal(error)) {
            self.connection = Some(connection);
        }
        done
    }
}

impl Reading<'_> {
    /// Another number whenever somebody has written.
    fn version(&self) -> rusqlite::Result<i64> {
        let mut statement = self.connection.prepare_cached(sql::DATA_VERSION)?;
        statement.query_row([], |row| row.get(0))
    }

    /// All who have the store open.
    fn lives(&self) -> rusqlite::Result<Vec<Life>> {
        let mut statement = self.connection.prepare_cached(sql::LIVENESS)?;
        let rows = statement.query_map([], |row| {
            Ok(Life {
                session: row.get(0)?,
                beat: row.get(1)?,
                runs: row.get(2)?,
            })
        })?;
        rows.collect()
    }
}
