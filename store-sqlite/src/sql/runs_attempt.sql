SELECT 1 FROM job WHERE sequence = ?1 AND state = 3 AND attempt = ?2
