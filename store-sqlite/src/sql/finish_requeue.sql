UPDATE job
SET state = 2, ended = ?3, outcome = ?4, detail = ?5
WHERE sequence = ?1 AND state = 3 AND attempt = ?2
