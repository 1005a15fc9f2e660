INSERT INTO session (process) VALUES (?1)
