INSERT INTO change (job, at, state, attempt, session)
SELECT job.sequence, CAST(unixepoch('subsec') * 1000000 AS INTEGER), job.state, job.attempt, 0
FROM worker JOIN job INDEXED BY job_running ON job.worker = worker.id AND job.state = 3
WHERE worker.session = ?1
