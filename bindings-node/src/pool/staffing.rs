//! How many workers there are, and who comes for what waits.

use std::time::{Duration, Instant};

use super::state::{News, Order, Phase, State, Worker};

/// How long a worker without a job stays.
const IDLE: Duration = Duration::from_secs(10);

/// How long a job waits before one more worker is started for it, where each core has one: what is
/// over within microseconds needs no more than those.
pub(super) const LATE: Duration = Duration::from_millis(10);

impl State {
    /// Wakes those who sleep for what waits, and orders workers where too few do.
    pub(crate) fn staff(&mut self, now: Instant, late: bool) -> News {
        let mut news = News::default();
        if late {
            self.looking = false;
        }
        for index in 0..self.queues.len() {
            let (limit, waiting) = (self.queues[index].limit, self.queues[index].waiting.len());
            if waiting > 0 {
                let lacking = self.wake(limit, waiting, &mut news);
                self.hire(limit, lacking, self.queues[index].is_late(now));
            }
        }
        news.orders = self.has_orders();
        news
    }

    /// Wakes workers for so many jobs; for how many nobody comes.
    fn wake(&mut self, limit: u32, jobs: usize, news: &mut News) -> usize {
        let mut left = jobs.saturating_sub(self.count(limit, Worker::comes));
        for worker in self.workers.values_mut() {
            if left > 0 && worker.limit == limit && matches!(worker.phase, Phase::Idle(_)) {
                worker.phase = Phase::Coming;
                news.bells.extend(worker.bell.clone());
                left -= 1;
            }
        }
        left
    }

    /// Orders workers for so many jobs, those beyond one for each core only where jobs wait long.
    fn hire(&mut self, limit: u32, jobs: usize, late: bool) {
        for _ in 0..jobs {
            let all = self
                .workers
                .values()
                .filter(|worker| worker.stays())
                .count();
            let starting = self.workers.values().filter(|worker| worker.starts());
            if starting.count() >= self.cores {
                return;
            }
            if all >= self.cores && !late {
                return self.look_later();
            }
            if all >= self.most && !self.make_room(limit) {
                return;
            }
            self.last += 1;
            let worker = self.last;
            self.workers.insert(worker, Worker::new(limit));
            self.orders.push_back(Order::Hire { worker, limit });
        }
    }

    fn look_later(&mut self) {
        if !self.looking {
            self.looking = true;
            self.orders.push_back(Order::Look);
        }
    }

    /// Dismisses a worker with another limit that has nothing to do.
    fn make_room(&mut self, limit: u32) -> bool {
        let idle = self.workers.iter_mut().filter_map(|(number, worker)| {
            let Phase::Idle(since) = worker.phase else {
                return None;
            };
            (worker.limit != limit).then_some((since, *number, worker))
        });
        let Some((_, worker, longest)) = idle.min_by_key(|(since, ..)| *since) else {
            return false;
        };
        longest.phase = Phase::Condemned;
        self.orders.push_back(Order::Dismiss { worker });
        true
    }

    fn count(&self, limit: u32, which: impl Fn(&Worker) -> bool) -> usize {
        let of_it = self.workers.values().filter(|worker| worker.limit == limit);
        of_it.filter(|worker| which(worker)).count()
    }

    /// Dismisses workers that have had nothing to do for long; `true` where there are others.
    pub(crate) fn thin(&mut self, now: Instant) -> bool {
        for (number, worker) in &mut self.workers {
            if let Phase::Idle(since) = worker.phase
                && now.saturating_duration_since(since) >= IDLE
            {
                worker.phase = Phase::Condemned;
                self.orders.push_back(Order::Dismiss { worker: *number });
            }
        }
        let mut workers = self.workers.values();
        workers.any(|worker| worker.phase != Phase::Condemned)
    }
}
