UPDATE job
SET
    state = 3, attempt = attempt + 1, worker = ?2, started = ?3,
    ended = NULL, outcome = NULL, detail = NULL, expiry = NULL
WHERE sequence = ?1
