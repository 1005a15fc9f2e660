DELETE FROM running WHERE worker = ?1 AND block = ?2 AND jobs = 0
