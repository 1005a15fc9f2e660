UPDATE job
SET state = 2, ended = started, outcome = ?3
WHERE sequence IN (
    SELECT job.sequence
    FROM worker
        CROSS JOIN running ON running.worker = worker.id
        CROSS JOIN job ON job.sequence BETWEEN running.block * 64 AND running.block * 64 + 63
    WHERE
        worker.session = ?1 AND running.block >= ?2 / 64
        AND job.sequence >= ?2 AND job.state = 3 AND job.worker = worker.id
)
RETURNING sequence, attempt, started, worker
