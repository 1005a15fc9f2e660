//! One test a rule, by its name.

/// Lists the tests of every rule in a module `$module` for the store that `$make` makes. `$make`
/// is a function from [`Settings`](crate::conformance::Settings) to `Arc<dyn Store>`.
#[macro_export]
macro_rules! conformance_suite {
    ($module:ident, $make:expr) => {
        mod $module {
            use super::*;

            fn make(
                settings: $crate::conformance::Settings,
            ) -> ::std::sync::Arc<dyn $crate::conformance::AnyStore> {
                ($make)(settings)
            }

            $crate::conformance_rules! {
                submitting {
                    ids_are_unique_and_sort_in_the_order_of_submission
                    sequences_count_on
                    a_batch_keeps_its_order
                    a_batch_is_accepted_whole_or_not_at_all
                    an_empty_batch_is_no_jobs
                    a_job_whose_time_has_not_come_is_scheduled
                    a_job_whose_time_has_come_is_queued
                    what_was_submitted_can_be_read
                    an_unfinished_job_with_the_key_is_given_instead
                    a_job_with_a_worker_begins_at_once
                    only_what_is_queued_begins_at_once
                    a_key_counts_within_a_batch
                    a_key_is_free_once_its_job_has_ended
                    threads_with_one_key_make_one_job
                }
                claiming {
                    a_queued_job_becomes_running
                    only_queued_jobs_are_claimed
                    attempts_are_numbered_without_gaps
                    the_reply_has_the_order_of_the_request
                    a_job_named_twice_is_claimed_once
                    a_job_past_its_expiry_is_left_out
                    threads_share_jobs_out
                }
                finishing {
                    a_completed_job_has_its_result
                    a_failed_job_has_its_error
                    a_retry_waits_for_its_time_and_counts_a_failure
                    a_snooze_waits_for_its_time_and_counts_nothing
                    a_requeued_job_keeps_its_place
                    an_older_attempt_is_stale
                    an_ended_job_is_stale
                    a_job_that_does_not_run_is_stale
                    a_batch_is_judged_one_by_one
                    many_that_end_alike_are_judged_one_by_one
                    terminal_states_never_change
                    every_attempt_is_kept
                    threads_record_one_end
                }
                noting {
                    progress_is_the_last_one
                    log_lines_are_kept_in_their_order
                    only_the_newest_thousand_lines_are_kept
                    log_lines_are_read_only_when_asked_for
                    a_checkpoint_is_given_to_later_attempts
                    notes_of_other_attempts_are_stale
                }
                outputs {
                    a_large_result_is_told_by_its_file
                    files_are_for_their_user_alone
                    outputs_are_kept_with_their_attempts
                    a_deleted_job_leaves_no_file
                    a_forgotten_job_leaves_no_file
                    the_least_recently_used_leave_no_file
                    a_late_end_leaves_no_file
                    an_end_told_twice_keeps_its_file
                    no_file_is_written_over
                    an_abandoned_writer_leaves_no_file
                    a_damaged_file_is_told
                    a_file_is_read_in_pieces
                }
                cancelling {
                    a_queued_job_is_cancelled
                    a_scheduled_job_is_cancelled
                    a_retrying_job_is_cancelled
                    a_running_job_is_left_to_be_asked
                    an_ended_job_stays_as_it_is
                    an_unknown_job_is_not_found
                    a_cancel_is_no_attempt
                }
                timing {
                    due_jobs_are_queued_in_the_order_of_their_times
                    retrying_and_snoozed_jobs_are_queued_when_due
                    the_limit_bounds_how_many_change
                    the_next_time_is_told
                    a_job_that_did_not_start_in_time_is_cancelled
                    a_scheduled_job_expires_too
                    a_started_job_does_not_expire
                    what_is_queued_tells_its_spec
                }
                dead_letters {
                    a_retry_is_a_new_linked_job
                    only_a_failed_job_is_retried
                    a_retry_keeps_the_unique_key
                    an_unknown_job_cannot_be_retried
                    only_an_ended_job_is_deleted
                    an_unknown_job_cannot_be_deleted
                }
                reading {
                    an_unknown_id_is_none
                    a_list_matches_every_part_of_its_filter
                    a_list_has_its_order
                    limit_and_offset_cut_a_page
                    pages_neither_overlap_nor_miss
                    pages_hold_while_jobs_come_and_go
                    a_count_is_as_long_as_its_list
                    the_tally_counts_each_state
                }
                retention {
                    a_result_is_forgotten_after_its_ttl
                    a_task_may_have_a_ttl_of_its_own
                    a_long_ttl_keeps_nothing_else
                    reading_does_not_keep_a_job_past_its_ttl
                    the_prune_limit_bounds_how_many_go
                    those_whose_time_was_up_first_go_first
                    unfinished_jobs_are_never_forgotten
                    the_least_recently_used_go_first
                    dead_letters_are_kept_apart
                }
                hostile {
                    hostile_names_come_back_as_they_were
                    hostile_keys_are_told_apart
                    hostile_notes_come_back_as_they_were
                    hostile_failures_come_back_as_they_were
                    extreme_numbers_come_back_as_they_were
                    payloads_of_any_bytes_come_back_as_they_were
                }
                dropping {
                    a_duplicate_is_dropped_outside_of_locks
                    a_checkpoint_is_dropped_outside_of_locks
                    an_end_is_dropped_outside_of_locks
                    a_forgotten_job_is_dropped_outside_of_locks
                    a_closed_store_drops_its_jobs_outside_of_locks
                }
                whole {
                    capabilities_are_told
                    a_closed_store_refuses_everything
                    closing_twice_is_fine
                    nobody_follows_what_they_did_themselves
                }
                traces {
                    random_requests_give_the_answers_of_the_model
                    random_requests_from_threads_keep_every_promise
                }
            }
        }
    };
}

/// Lists the tests of every rule of following in a module `$module`, for a store that several
/// processes can open. `$open` is a function from [`Settings`](crate::conformance::Settings) to two
/// `Arc<dyn Store>` on one empty store.
#[macro_export]
macro_rules! following_suite {
    ($module:ident, $open:expr) => {
        mod $module {
            use super::*;

            fn make(
                settings: $crate::conformance::Settings,
            ) -> (
                ::std::sync::Arc<dyn $crate::conformance::AnyStore>,
                ::std::sync::Arc<dyn $crate::conformance::AnyStore>,
            ) {
                ($open)(settings)
            }

            $crate::conformance_rules! {
                following {
                    what_has_not_ended_is_read_in_pages
                    what_others_change_is_told
                    only_others_are_told
                    what_is_changed_while_it_is_read_is_told_after
                    a_job_is_told_once_in_a_page
                    a_cancel_is_told_to_whoever_runs_the_job
                    a_cancel_is_told_until_the_job_has_ended
                    a_job_that_is_not_there_any_more_is_told_as_gone
                    what_nobody_runs_any_more_is_an_orphan
                    old_losses_do_not_count
                    a_close_ends_the_following
                }
            }
        }
    };
}

/// The tests of some rules, by the module that they are in. Not for use by itself.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_rules {
    ($($group:ident { $($rule:ident)* })*) => {
        $(mod $group {
            $(#[test]
            fn $rule() {
                $crate::conformance::$group::$rule(&super::make);
            })*
        })*
    };
}
