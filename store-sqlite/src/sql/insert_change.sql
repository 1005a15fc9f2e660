INSERT INTO change (job, at, state, attempt, session) VALUES (?1, ?2, ?3, ?4, ?5)
