//! Engines on a shared store, and what is asked of them.

use std::sync::Arc;

use bursar_core::{EventKind, JobId, OutcomeKind, State, Ticket};
use bursar_testkit::stores::{Shared, SharedStore};
use bursar_testkit::{PATIENCE, Rig, until};

pub(crate) fn rig_on(store: &Arc<SharedStore>) -> Rig {
    let store = Arc::<SharedStore>::clone(store);
    Rig::builder().store(store).start()
}

pub(crate) fn rig(shared: &Shared) -> Rig {
    rig_on(&shared.open())
}

pub(crate) fn client(shared: &Shared) -> Rig {
    let only_submits = Rig::builder().options(|options| options.run = false);
    only_submits.store(shared.open()).start()
}

pub(crate) fn ticket(rig: &Rig, id: JobId) -> Arc<Ticket> {
    rig.engine.ticket(id).wait().unwrap()
}

pub(crate) fn rests(rig: &Rig) {
    let drained = rig.engine.drained().wait(Some(PATIENCE));
    assert!(drained.is_some(), "it does not come to rest");
    rig.is_at_rest();
}

/// Waits until the client is told what others change.
pub(crate) fn listens(client: &Rig, worker: &Rig) {
    let mut events = client.engine.events(None);
    until("the client to listen", || {
        let job = client.submit();
        worker.script.complete(&worker.script.next());
        client.final_state(&job);
        std::iter::from_fn(|| events.try_next())
            .any(|event| event.kind == EventKind::State(State::Running))
    });
}

pub(crate) fn outcomes(rig: &Rig, ticket: &Ticket) -> Vec<Option<OutcomeKind>> {
    let attempts = rig.info(ticket).attempts;
    attempts.iter().map(|attempt| attempt.outcome).collect()
}
