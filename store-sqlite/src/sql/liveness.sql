SELECT
    id, beat,
    EXISTS (
        SELECT 1
        FROM worker JOIN job INDEXED BY job_running ON job.worker = worker.id AND job.state = 3
        WHERE worker.session = session.id
    )
FROM session
