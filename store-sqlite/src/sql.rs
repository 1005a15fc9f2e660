//! The statements, one a file. Those in `planted` are bugs that others have had: each is built in its
//! place only with the cfg that names it, for `make planted` to show that it is caught.

macro_rules! statements {
    ($($(#[$when:meta])* $name:ident: $file:literal,)*) => {
        $($(#[$when])* pub(crate) const $name: &str = include_str!(concat!("sql/", $file, ".sql"));)*

        /// Every statement, by the name of its file.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str)] = &[$($(#[$when])* ($file, $name)),*];
    };
}

statements! {
    ADD_TO_BLOCK: "add_to_block",
    ADD_TO_RUNNING: "add_to_running",
    ADD_TO_SPEC: "add_to_spec",
    ADD_TO_TALLY: "add_to_tally",
    ARCHIVE_ATTEMPT: "archive_attempt",
    ATTEMPTS: "attempts",
    BACKLOG: "backlog",
    BEAT: "beat",
    #[cfg(not(bursar_plant = "deferred_begin"))]
    BEGIN: "begin",
    #[cfg(bursar_plant = "deferred_begin")]
    BEGIN: "planted/deferred_begin",
    BEGIN_READ: "begin_read",
    CANCEL_WAITING: "cancel_waiting",
    CHANGES: "changes",
    CHECKPOINT: "checkpoint",
    CHECKPOINT_LOG: "checkpoint_log",
    CLAIM: "claim",
    CLAIM_RUN: "claim_run",
    CLAIMABLE: "claimable",
    CLAIMABLE_RUN: "claimable_run",
    COMMIT: "commit",
    COPY: "copy",
    COUNT: "count",
    DATA_VERSION: "data_version",
    DEAD_LETTER: "dead_letter",
    DELETE_EMPTY_BLOCK: "delete_empty_block",
    DELETE_IDLE_RUNNING: "delete_idle_running",
    DELETE_JOB: "delete_job",
    DELETE_OLD_CHANGES: "delete_old_changes",
    DELETE_OLD_LINES: "delete_old_lines",
    DELETE_OUTPUTS: "delete_outputs",
    DELETE_SESSION: "delete_session",
    DELETE_UNUSED_SPECS: "delete_unused_specs",
    DUE: "due",
    EXPIRED: "expired",
    FILES: "files",
    #[cfg(not(bursar_plant = "old_attempt"))]
    FINISH_END: "finish_end",
    #[cfg(bursar_plant = "old_attempt")]
    FINISH_END: "planted/old_attempt",
    FINISH_POSTPONE: "finish_postpone",
    #[cfg(not(bursar_plant = "stale_rescue"))]
    FINISH_REQUEUE: "finish_requeue",
    #[cfg(bursar_plant = "stale_rescue")]
    FINISH_REQUEUE: "planted/stale_rescue",
    #[cfg(not(bursar_plant = "old_attempt"))]
    FINISH_RUN: "finish_run",
    #[cfg(bursar_plant = "old_attempt")]
    FINISH_RUN: "planted/old_attempt_run",
    FIRST_CHANGE: "first_change",
    FIRST_FORGET: "first_forget",
    FORGETTABLE: "forgettable",
    FORGETTABLE_OF_BLOCK: "forgettable_of_block",
    FREE_PAGES: "free_pages",
    GET: "get",
    GIVE_BACK: "give_back",
    INSERT_BLOCK: "insert_block",
    INSERT_CHANGE: "insert_change",
    INSERT_JOB: "insert_job",
    INSERT_LINE: "insert_line",
    INSERT_OUTPUT: "insert_output",
    INSERT_RUNNING: "insert_running",
    INSERT_SESSION: "insert_session",
    INSERT_SPEC: "insert_spec",
    INSERT_WORKER: "insert_worker",
    IS_FILE_NEEDED: "is_file_needed",
    LAST_CHANGE: "last_change",
    LAST_LINE: "last_line",
    LAST_SEQUENCE: "last_sequence",
    LEFT_BEHIND: "left_behind",
    LIST_NEWEST: "list_newest",
    LIST_OLDEST: "list_oldest",
    LIVENESS: "liveness",
    LOGS: "logs",
    LOOK_AT_BLOCK: "look_at_block",
    NEXT_EXPIRY: "next_expiry",
    NEXT_FORGET: "next_forget",
    NEXT_WAKE: "next_wake",
    ORPHAN_JOBS: "orphan_jobs",
    OUTPUT_BY_FILE: "output_by_file",
    OUTPUTS: "outputs",
    PAGES: "pages",
    QUEUE: "queue",
    RELEASE: "release",
    ROLLBACK: "rollback",
    RUNS_ATTEMPT: "runs_attempt",
    SAVEPOINT: "savepoint",
    SESSIONS: "sessions",
    SET_CHECKPOINT: "set_checkpoint",
    SET_LAST_SEQUENCE: "set_last_sequence",
    SET_PROGRESS: "set_progress",
    SET_WISH: "set_wish",
    SPEC_BY_CONTENT: "spec_by_content",
    SPEC_BY_ID: "spec_by_id",
    STANDING: "standing",
    STANDS: "stands",
    SYNC_OFF: "sync_off",
    SYNC_ON: "sync_on",
    TALLY: "tally",
    UNDO: "undo",
    UNFINISHED_BY_KEY: "unfinished_by_key",
    VACUUM_STEP: "vacuum_step",
    WORKER_BY_ID: "worker_by_id",
}
