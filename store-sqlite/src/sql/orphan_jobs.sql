INSERT INTO change (job, at, state, attempt, session)
SELECT job.sequence, CAST(unixepoch('subsec') * 1000000 AS INTEGER), job.state, job.attempt, 0
FROM worker
    CROSS JOIN running ON running.worker = worker.id
    CROSS JOIN job ON job.sequence BETWEEN running.block * 64 AND running.block * 64 + 63
WHERE worker.session = ?1 AND job.state = 3 AND job.worker = worker.id
