UPDATE job
SET state = 2, ended = started, outcome = ?3
WHERE sequence IN (
    SELECT job.sequence
    FROM worker JOIN job INDEXED BY job_running ON job.worker = worker.id AND job.state = 3
    WHERE worker.session = ?1 AND job.sequence >= ?2
)
RETURNING sequence, attempt, started
