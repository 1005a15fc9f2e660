INSERT INTO log (job, number, at, attempt, level, message)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
