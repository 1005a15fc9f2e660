SELECT id FROM worker WHERE name = ?1
