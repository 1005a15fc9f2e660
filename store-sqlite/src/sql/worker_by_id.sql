SELECT name FROM worker WHERE id = ?1
