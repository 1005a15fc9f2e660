//! The statements, one a file.

macro_rules! statements {
    ($($name:ident: $file:literal,)*) => {
        $(pub(crate) const $name: &str = include_str!(concat!("sql/", $file, ".sql"));)*

        /// Every statement, by the name of its file.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

statements! {
    ADD_TO_SPEC: "add_to_spec",
    ADD_TO_TALLY: "add_to_tally",
    ARCHIVE_ATTEMPT: "archive_attempt",
    ATTEMPTS: "attempts",
    BACKLOG: "backlog",
    BEGIN: "begin",
    BEGIN_READ: "begin_read",
    CANCEL_WAITING: "cancel_waiting",
    CHECKPOINT: "checkpoint",
    CHECKPOINT_LOG: "checkpoint_log",
    CLAIM: "claim",
    CLAIMABLE: "claimable",
    COMMIT: "commit",
    COPY: "copy",
    COUNT: "count",
    DATA_VERSION: "data_version",
    DEAD_LETTER: "dead_letter",
    DELETE_JOB: "delete_job",
    DELETE_OLD_LINES: "delete_old_lines",
    DELETE_UNUSED_SPECS: "delete_unused_specs",
    DUE: "due",
    EXPIRED: "expired",
    FINISH_END: "finish_end",
    FINISH_POSTPONE: "finish_postpone",
    FINISH_REQUEUE: "finish_requeue",
    FORGETTABLE: "forgettable",
    FREE_PAGES: "free_pages",
    GET: "get",
    INSERT_JOB: "insert_job",
    INSERT_LINE: "insert_line",
    INSERT_SPEC: "insert_spec",
    INSERT_WORKER: "insert_worker",
    LAST_LINE: "last_line",
    LAST_SEQUENCE: "last_sequence",
    LAST_WORKER: "last_worker",
    LIST_NEWEST: "list_newest",
    LIST_OLDEST: "list_oldest",
    LOGS: "logs",
    NEXT_EXPIRY: "next_expiry",
    NEXT_FORGET: "next_forget",
    NEXT_WAKE: "next_wake",
    PAGES: "pages",
    QUEUE: "queue",
    ROLLBACK: "rollback",
    RUNS_ATTEMPT: "runs_attempt",
    SET_CHECKPOINT: "set_checkpoint",
    SET_LAST_SEQUENCE: "set_last_sequence",
    SET_PROGRESS: "set_progress",
    SPEC_BY_CONTENT: "spec_by_content",
    SPEC_BY_ID: "spec_by_id",
    STANDING: "standing",
    TALLY: "tally",
    UNFINISHED_BY_KEY: "unfinished_by_key",
    VACUUM_STEP: "vacuum_step",
    WORKER_BY_ID: "worker_by_id",
}
