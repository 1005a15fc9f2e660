INSERT INTO output (job, attempt, name, file, size, sha256, bytes)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
