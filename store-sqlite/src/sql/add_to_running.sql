UPDATE running SET jobs = jobs + ?3 WHERE worker = ?1 AND block = ?2
