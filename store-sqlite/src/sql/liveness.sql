SELECT
    id, beat,
    EXISTS (
        SELECT 1
        FROM worker JOIN running ON running.worker = worker.id
        WHERE worker.session = session.id
    )
FROM session
