INSERT INTO running (worker, block, jobs) VALUES (?1, ?2, ?3)
