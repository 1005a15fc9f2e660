SELECT
    sequence, spec, state, created, noise, attempt,
    state = 3 AND NOT EXISTS (
        SELECT 1
        FROM worker JOIN session ON session.id = worker.session
        WHERE worker.id = job.worker
    ),
    CASE
        WHEN attempt = 0 THEN 0
        ELSE
            coalesce(outcome = 5 AND ended > ?4 - 259200000000, 0)
            + (
                SELECT count(*)
                FROM attempt AS earlier
                WHERE earlier.job = sequence AND earlier.outcome = 5
                    AND earlier.ended > max(?4, coalesce(job.started, 0), coalesce(job.ended, 0)) - 259200000000
            )
    END,
    CASE WHEN state < 5 THEN (SELECT reason FROM wish WHERE wish.job = sequence) END
FROM block INDEXED BY block_unfinished
    CROSS JOIN job ON sequence BETWEEN block.number * 64 AND block.number * 64 + 63
WHERE
    block.unfinished > 0 AND block.number >= ?1 / 64
    AND job.forget IS NULL AND sequence > ?1 AND origin <> ?2
ORDER BY block.number, sequence
LIMIT ?3
