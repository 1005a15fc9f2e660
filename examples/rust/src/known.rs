//! What an earlier run left in the store.

use std::collections::HashMap;

use bursar::{Engine, JobFilter, JobId, Order, Result, State};

/// Jobs asked for at a time.
const PAGE: usize = 1_000;

/// The ids of the jobs of `task` that an earlier run left, done or not, by their unique keys. All
/// states are asked for at once: what is left runs meanwhile, and must not slip between two
/// questions.
///
/// # Errors
/// Those of the engine.
pub async fn known(engine: &Engine, task: &str) -> Result<HashMap<String, JobId>> {
    let filter = JobFilter {
        task: Some(task.into()),
        ..JobFilter::default()
    };
    let query = engine.jobs(filter).order(Order::Oldest).limit(PAGE);
    let mut ids = HashMap::new();
    let mut page = query.clone().await?;
    loop {
        let useful = |state| !matches!(state, State::Failed | State::Cancelled);
        let kept = page.jobs.iter().filter(|job| useful(job.state));
        ids.extend(kept.filter_map(|job| Some((job.unique.as_deref()?.to_owned(), job.id))));
        let Some(next) = page.next else {
            return Ok(ids);
        };
        page = query.clone().after(next).await?;
    }
}
