UPDATE job
SET
    state = ?3, ended = ?4, outcome = ?5, detail = ?6,
    due = ?7, wake = ?7, failures = failures + ?8
WHERE sequence = ?1 AND state = 3 AND attempt = ?2
