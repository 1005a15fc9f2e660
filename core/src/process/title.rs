//! What `ps` and `pgrep -f` show of a job's process.

use crate::id::JobId;

/// `bursar-{the end of the id}:{task}:{status}`, of letters, digits and `_ . : -` alone: what else a
/// task's name has stands there as `_`.
pub fn title(job: JobId, task: &str, status: &str) -> String {
    let short = job.short();
    let task: String = task.chars().map(plain).collect();
    format!("bursar-{short}:{task}:{status}")
}

fn plain(letter: char) -> char {
    if letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | ':' | '-') {
        letter
    } else {
        '_'
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_title_has_plain_characters_only() {
        let job = JobId::new(Timestamp::default(), 1, 0x1234_abcd);
        assert_eq!(
            title(job, "a b/ü\n$(x)", "running"),
            "bursar-1234abcd:a_b_____x_:running"
        );
    }
}
