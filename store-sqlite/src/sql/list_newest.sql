SELECT
    sequence, spec, state, created, noise, attempt, due, started, ended, forget, worker,
    outcome, detail, unique_key, retry_of, args_type, args, result_type, result,
    percent, message
FROM job LEFT JOIN progress ON progress.job = job.sequence
WHERE
    sequence < ?1
    AND (?2 >> state) & 1
    AND (?3 IS NULL OR unique_key = ?3)
    AND (
        NOT ?4
        OR spec IN (
            SELECT id FROM spec WHERE (?5 IS NULL OR task = ?5) AND (?6 IS NULL OR priority = ?6)
        )
    )
ORDER BY sequence DESC
LIMIT ?7 OFFSET ?8
