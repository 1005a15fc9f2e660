//! What a handle is told of the others.

use std::collections::HashSet;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bursar_core::{Error, Follow, Followed, JobInfo, Position, Reply, Result, Standing, State};
use parking_lot::Mutex;

use super::hub::{Hub, Known};

/// How long a loss counts.
const LOSSES: Duration = Duration::from_secs(72 * 3_600);

pub(super) fn follow(hub: &Arc<Mutex<Hub>>, handle: usize, request: Follow) -> Reply<Followed> {
    let hub = Arc::clone(hub);
    let mut page = None;
    Reply::later(poll_fn(move |context| {
        let mut hub = hub.lock();
        if page.is_none() {
            page = hub.follow(handle, request).transpose();
        }
        hub.handles[handle].has_page = page.is_some();
        match page.take_if(|_| !hub.keeps_page(handle)) {
            Some(news) => Poll::Ready(news),
            None => {
                hub.wakers.push(context.waker().clone());
                Poll::Pending
            }
        }
    }))
}

impl Hub {
    fn follow(&mut self, handle: usize, request: Follow) -> Result<Option<Followed>> {
        let own = &self.handles[handle];
        if own.closed {
            return Err(Error::closed());
        }
        if own.held {
            return Ok(None);
        }
        match request.from {
            Position::Unfinished(after) => self.unfinished(handle, after, request.limit).map(Some),
            Position::Changed(since) => self.changes(handle, since as usize, request.limit),
        }
    }

    fn unfinished(&mut self, handle: usize, after: u64, limit: usize) -> Result<Followed> {
        if after == 0 {
            self.handles[handle].began = self.changes.len() as u64;
        }
        let mut jobs = Vec::new();
        for (sequence, known) in self.jobs.range(after + 1..) {
            if jobs.len() == limit {
                break;
            }
            let standing = self.standing(*sequence, known)?;
            let unfinished = standing.filter(|job| !job.state.is_terminal());
            // What it has made itself it knows, but not that whoever ran it is gone.
            jobs.extend(unfinished.filter(|job| known.maker != handle || job.orphaned));
        }
        let last = jobs.last().map(|job: &Standing| job.sequence);
        let more = last.filter(|_| jobs.len() == limit);
        let began = self.handles[handle].began;
        Ok(Followed {
            jobs,
            gone: Vec::new(),
            next: more.map_or(Position::Changed(began), Position::Unfinished),
            gap: false,
        })
    }

    fn changes(&self, handle: usize, since: usize, limit: usize) -> Result<Option<Followed>> {
        if since < self.forgotten {
            return Ok(Some(Followed {
                jobs: Vec::new(),
                gone: Vec::new(),
                next: Position::Unfinished(0),
                gap: true,
            }));
        }
        let (mut jobs, mut gone) = (Vec::new(), Vec::new());
        let (mut told, mut next) = (HashSet::new(), since);
        for (sequence, by) in &self.changes[since..] {
            if jobs.len() + gone.len() == limit {
                break;
            }
            next += 1;
            if *by == handle || !told.insert(*sequence) {
                continue;
            }
            let Some(known) = self.jobs.get(sequence) else {
                continue;
            };
            match self.standing(*sequence, known)? {
                Some(standing) => jobs.push(standing),
                None => gone.push(*sequence),
            }
        }
        let any = !jobs.is_empty() || !gone.is_empty();
        Ok(any.then_some(Followed {
            jobs,
            gone,
            next: Position::Changed(next as u64),
            gap: false,
        }))
    }

    fn standing(&self, sequence: u64, known: &Known) -> Result<Option<Standing>> {
        let info = self.read(known.id)?;
        Ok(info.map(|info: JobInfo| Standing {
            id: known.id,
            sequence,
            spec: Arc::clone(&known.spec),
            state: info.state,
            attempt: info.attempt,
            orphaned: info.state == State::Running && !self.lives(known.session),
            losses: self.losses(known),
            stop: known.stop.clone().filter(|_| !info.state.is_terminal()),
        }))
    }

    fn losses(&self, known: &Known) -> u32 {
        let all = known.losses.iter();
        let counted = all.filter(|at| self.now.since(**at) <= LOSSES);
        counted.count() as u32
    }
}
