UPDATE job
SET
    state = 7, ended = ?2, forget = ?2 + coalesce(ttl, ?3), outcome = ?4, detail = ?5,
    wake = NULL, expiry = NULL
WHERE sequence = ?1
