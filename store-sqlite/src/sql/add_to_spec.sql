UPDATE spec SET jobs = jobs + ?2 WHERE id = ?1
