INSERT INTO block (number, unfinished, forget) VALUES (?1, ?2, ?3)
