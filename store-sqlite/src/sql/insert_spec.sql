INSERT INTO spec (task, priority, content) VALUES (?1, ?2, ?3)
