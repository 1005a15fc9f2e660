SELECT
    sequence, spec, state, created, noise, attempt, due, started, ended, forget, worker,
    outcome, detail, unique_key, retry_of, args_type, args, result_type, result,
    percent, message
FROM job LEFT JOIN progress ON progress.job = job.sequence
WHERE sequence = ?1
