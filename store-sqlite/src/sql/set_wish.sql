INSERT INTO wish (job, attempt, reason) VALUES (?1, ?2, ?3)
ON CONFLICT (job) DO UPDATE
SET attempt = excluded.attempt, reason = excluded.reason
WHERE attempt <> excluded.attempt
