UPDATE job
SET
    state = ?3, ended = ?4, forget = ?4 + coalesce(ttl, ?5),
    outcome = ?6, detail = ?7, result_type = ?8, result = ?9
WHERE sequence = ?1 AND state = 3 AND attempt >= ?2
