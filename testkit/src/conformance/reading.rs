//! Rules of [`Store::get`](bursar_core::Store::get), [`list`](bursar_core::Store::list),
//! [`count`](bursar_core::Store::count) and [`tally`](bursar_core::Store::tally).

use bursar_core::{Cursor, JobFilter, JobId, List, Next, Order, Priority, Spec, State, Timestamp};

use super::probe::{Maker, Probe, due_at, everything, job, job_of, keyed, spec};

/// There is nothing under an id that no job has.
pub fn an_unknown_id_is_none(make: Maker<'_>) {
    let probe = Probe::new(make);
    let one = probe.add(job());
    assert!(
        probe
            .find(JobId::new(Timestamp::default(), one.sequence, 0))
            .is_none()
    );
    assert!(probe.find(JobId::new(probe.now(), 77, 0)).is_none());
}

/// One job in each state, two tasks, two priorities, one key.
fn mixed(probe: &Probe) -> Vec<JobId> {
    let urgent = || {
        job_of(Spec {
            priority: Priority::Critical,
            ..spec("urgent")
        })
    };
    let retrying = probe.running(urgent());
    probe.end(retrying.sequence, 1, Next::Retry(probe.in_seconds(9)));
    let jobs = [
        retrying,
        probe.add(job()),
        probe.add(keyed("k")),
        probe.add(due_at(probe.in_seconds(9))),
        probe.running(urgent()),
        probe.ended(job(), State::Completed),
        probe.ended(urgent(), State::Failed),
        probe.ended(job(), State::Cancelled),
        probe.add(urgent()),
    ];
    jobs.iter().map(|job| job.id).collect()
}

/// The filters to try, with the jobs of [`mixed`] that they match.
fn filters() -> Vec<(JobFilter, Vec<usize>)> {
    let all = JobFilter::default;
    let states = |states: &[State]| JobFilter {
        states: states.to_vec(),
        ..all()
    };
    let task = |task: &str| JobFilter {
        task: Some(task.into()),
        ..all()
    };
    let both = JobFilter {
        states: vec![State::Queued],
        ..task("urgent")
    };
    let priority = JobFilter {
        priority: Some(Priority::Critical),
        ..all()
    };
    let unique = |key: &str| JobFilter {
        unique: Some(key.into()),
        ..all()
    };
    vec![
        (all(), (0..9).collect()),
        (states(&[State::Queued]), vec![1, 2, 8]),
        (
            states(&[State::Failed, State::Running, State::Failed]),
            vec![4, 6],
        ),
        (states(&[State::Blocked]), vec![]),
        (states(&[State::Cancelled]), vec![7]),
        (task("urgent"), vec![0, 4, 6, 8]),
        (task("unheard-of"), vec![]),
        (both, vec![8]),
        (priority, vec![0, 4, 6, 8]),
        (unique("k"), vec![2]),
        (unique(""), vec![]),
    ]
}

/// Everything that is set in a filter must hold.
pub fn a_list_matches_every_part_of_its_filter(make: Maker<'_>) {
    let probe = Probe::new(make);
    let ids = mixed(&probe);
    for (filter, expected) in filters() {
        let expected: Vec<JobId> = expected.into_iter().map(|index| ids[index]).collect();
        let listed: Vec<JobId> = probe
            .list(filter.clone())
            .iter()
            .map(|job| job.id)
            .collect();
        assert_eq!(listed, expected, "{filter:?}");
    }
}

/// Newest first, or oldest first; each entry is what a read gives, without its log.
pub fn a_list_has_its_order(make: Maker<'_>) {
    let probe = Probe::new(make);
    let mut ids = mixed(&probe);
    let listed = |order| {
        let request = List {
            order,
            ..everything(usize::MAX)
        };
        let page = probe.page(request);
        assert_eq!(page.next, None);
        page.jobs
    };
    let oldest = listed(Order::Oldest);
    for (listed, id) in oldest.iter().zip(&ids) {
        assert_eq!(super::view(listed), super::view(&probe.get(*id)));
    }
    ids.reverse();
    let newest: Vec<JobId> = listed(Order::Newest).iter().map(|job| job.id).collect();
    assert_eq!(newest, ids);
}

/// The offset leaves out the first matches, and the limit ends the page.
pub fn limit_and_offset_cut_a_page(make: Maker<'_>) {
    let probe = Probe::new(make);
    let ids = mixed(&probe);
    for (offset, limit) in [
        (0, 3),
        (2, 3),
        (7, 5),
        (9, 5),
        (100, 1),
        (0, 0),
        (0, 9),
        (3, usize::MAX),
    ] {
        let request = List {
            offset,
            ..everything(limit)
        };
        let page = probe.page(request);
        let end = offset.saturating_add(limit).min(ids.len());
        let expected = &ids[offset.min(end)..end];
        let listed: Vec<JobId> = page.jobs.iter().map(|job| job.id).collect();
        assert_eq!(listed, expected, "offset {offset} limit {limit}");
        let more = (end < ids.len()).then(|| expected.last().map(|id| Cursor(*id)));
        assert_eq!(page.next, more.flatten(), "offset {offset} limit {limit}");
    }
}

/// Follows the cursors from the first page to the last.
fn walk(probe: &Probe, request: &List, mut between: impl FnMut(usize)) -> Vec<JobId> {
    let (mut seen, mut after) = (Vec::new(), request.after);
    for turn in 0.. {
        let page = probe.page(List {
            after,
            ..request.clone()
        });
        seen.extend(page.jobs.iter().map(|job| job.id));
        let Some(next) = page.next else { break };
        assert_eq!(
            page.jobs.len(),
            request.limit,
            "only the last page is short"
        );
        after = Some(next);
        between(turn);
    }
    seen
}

/// The pages of a list, put together, are the list.
pub fn pages_neither_overlap_nor_miss(make: Maker<'_>) {
    let probe = Probe::new(make);
    mixed(&probe);
    for (filter, _) in filters() {
        for order in [Order::Oldest, Order::Newest] {
            let whole = List {
                filter: filter.clone(),
                order,
                ..everything(usize::MAX)
            };
            let expected: Vec<JobId> = probe
                .page(whole.clone())
                .jobs
                .iter()
                .map(|job| job.id)
                .collect();
            for limit in 1..4 {
                let request = List {
                    limit,
                    ..whole.clone()
                };
                assert_eq!(walk(&probe, &request, |_| ()), expected, "{request:?}");
            }
        }
    }
}

/// Jobs that were there from first to last are on one page each, whatever comes and goes meanwhile.
pub fn pages_hold_while_jobs_come_and_go(make: Maker<'_>) {
    let probe = Probe::new(make);
    for order in [Order::Oldest, Order::Newest] {
        let kept: Vec<JobId> = (0..30).map(|_| probe.add(job()).id).collect();
        let going: Vec<JobId> = (0..10)
            .map(|_| probe.ended(job(), State::Completed).id)
            .collect();
        let request = List {
            order,
            ..everything(7)
        };
        let mut seen = walk(&probe, &request, |turn| {
            probe.add(job());
            // The cursor's own job may go too.
            probe.delete(going[going.len() - 1 - turn % going.len()]);
        });
        let listed = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), listed, "a job was listed twice");
        assert!(
            kept.iter().all(|id| seen.binary_search(id).is_ok()),
            "a job was missed"
        );
    }
}

/// A count is the length of the list with the same filter.
pub fn a_count_is_as_long_as_its_list(make: Maker<'_>) {
    let probe = Probe::new(make);
    mixed(&probe);
    for (filter, expected) in filters() {
        let shown = format!("{filter:?}");
        assert_eq!(probe.count(filter), expected.len() as u64, "{shown}");
    }
}

/// The tally is the count of each state.
pub fn the_tally_counts_each_state(make: Maker<'_>) {
    let probe = Probe::new(make);
    assert_eq!(probe.tally().unfinished(), 0);
    mixed(&probe);
    let tally = probe.tally();
    for state in State::ALL {
        let filter = JobFilter {
            states: vec![state],
            ..JobFilter::default()
        };
        assert_eq!(tally.of(state), probe.count(filter), "{state}");
    }
    assert_eq!(tally.unfinished(), 6);
}
