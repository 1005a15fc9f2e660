INSERT INTO checkpoint (job, type, bytes) VALUES (?1, ?2, ?3)
ON CONFLICT (job) DO UPDATE SET type = excluded.type, bytes = excluded.bytes
