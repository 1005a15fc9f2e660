UPDATE job
SET
    state = 2, ended = ?3, outcome = ?4, detail = ?5,
    forget = NULL, result_type = NULL, result = NULL
WHERE sequence = ?1 AND attempt >= ?2 AND attempt > 0
