//! The thread that waits for the pool while jobs run on the other one.

use std::time::Duration;

use parking_lot::MutexGuard;

use super::nudge::Woken;
use super::turns::Unattended;
use super::{ChildLine, LATER, State};
use crate::clock::Clock;
use crate::executor::process::frame::Kind;

impl ChildLine {
    /// Waits until something comes that the thread which runs jobs doesn't look for itself. `false` once
    /// nothing comes any more.
    pub fn watch(&self) -> bool {
        loop {
            let patience = self.patience();
            if self.nudge.wait(&self.socket, patience) != Woken::ByMore {
                continue;
            }
            let mut state = self.state.lock();
            if !state.away {
                self.left.wait_for(&mut state, LATER);
            }
            if state.attended && !state.over {
                continue;
            }
            let heard = self.look(&mut state);
            let over = state.over;
            self.tell_news(state);
            if heard || over {
                return !over;
            }
        }
    }

    /// How long to wait. What has lasted too long by now is told.
    fn patience(&self) -> Option<Duration> {
        let now = self.clock.tick();
        let mut state = self.state.lock();
        state.turns.look_at(now);
        let patience = state.turns.patience(now);
        state.timed = patience.is_some();
        self.tell_news(state);
        patience
    }

    /// Has the thread that waits see to it that nothing lasts too long.
    pub(super) fn have_timed(&self, state: &mut State) {
        if !state.timed && state.turns.patience(self.clock.tick()).is_some() {
            state.timed = true;
            self.nudge.send();
        }
    }

    /// Tells the pool what is news to it. Nobody says how a job ended, or takes the next one, before that is
    /// said: the pool counts on the order.
    pub(super) fn tell_news(&self, mut state: MutexGuard<'_, State>) {
        let news = state.turns.take_news();
        if news.is_empty() {
            return;
        }
        let _alone = self.sending.lock();
        drop(state);
        if let Some(Unattended { key, before }) = news.lasts {
            let body = [before.resident.to_le_bytes(), before.own.to_le_bytes()].concat();
            self.say(Kind::Lasts, key, &body, &[]);
        }
        if !news.handed_back.is_empty() {
            let keys = news.handed_back.iter();
            let body: Vec<u8> = keys.flat_map(|key| key.to_le_bytes()).collect();
            self.say(Kind::HandedBack, 0, &body, &[]);
        }
    }
}
