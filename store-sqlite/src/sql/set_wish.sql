INSERT INTO wish (job, attempt, reason) VALUES (?1, ?2, ?3)
ON CONFLICT (job) DO UPDATE
SET attempt = excluded.attempt
WHERE attempt <> excluded.attempt
