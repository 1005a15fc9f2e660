UPDATE job
SET
    state = 5, ended = ?5, forget = ?5 + coalesce(ttl, ?6),
    outcome = ?7, result_type = ?8, result = ?9
WHERE
    sequence BETWEEN ?1 AND ?2 AND (?3 >> (sequence & 63)) & 1
    AND state = 3 AND attempt = 1 AND worker = ?4
