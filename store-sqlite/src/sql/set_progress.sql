INSERT INTO progress (job, percent, message) VALUES (?1, ?2, ?3)
ON CONFLICT (job) DO UPDATE SET percent = excluded.percent, message = excluded.message
