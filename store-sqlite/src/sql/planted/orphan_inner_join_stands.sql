SELECT
    sequence, spec, state, created, noise, attempt,
    state = 3 AND EXISTS (
        SELECT 1
        FROM worker JOIN session ON session.id = worker.session
        WHERE worker.id = job.worker AND session.beat < 0
    ),
    CASE
        WHEN attempt = 0 THEN 0
        ELSE
            coalesce(outcome = 5 AND ended > ?2 - 259200000000, 0)
            + (
                SELECT count(*)
                FROM attempt AS earlier
                WHERE earlier.job = sequence AND earlier.outcome = 5
                    AND earlier.ended > max(?2, coalesce(job.started, 0), coalesce(job.ended, 0)) - 259200000000
            )
    END,
    CASE
        WHEN state = 3
            THEN (SELECT reason FROM wish WHERE wish.job = sequence AND wish.attempt = job.attempt)
    END
FROM job
WHERE sequence = ?1
