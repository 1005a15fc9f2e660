INSERT INTO worker (session, name) VALUES (?1, ?2)
