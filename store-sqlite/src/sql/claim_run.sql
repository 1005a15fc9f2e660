UPDATE job
SET state = 3, attempt = 1, worker = ?3, started = ?4
WHERE sequence BETWEEN ?1 AND ?2
