INSERT INTO worker (name) VALUES (?1)
