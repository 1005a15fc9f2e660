use std::fmt::Write;

use bursar_core::{JobInfo, Payload};

/// Everything that can be seen of a job as one text, to compare. Payloads are shown by content.
#[must_use]
pub fn view(job: &JobInfo) -> String {
    let mut text = format!("{job:?}");
    for payload in [Some(&job.args), job.result.as_ref()] {
        // Writing to a string cannot fail.
        let _ = write!(text, " | {}", payload.map_or_else(String::new, content));
    }
    text
}

/// What is in a payload.
#[must_use]
pub(super) fn content(payload: &Payload) -> String {
    payload.as_json().map_or_else(
        || "live".to_owned(),
        |bytes| String::from_utf8_lossy(bytes).into_owned(),
    )
}
