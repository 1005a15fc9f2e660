SELECT sequence, created, noise, state, due
FROM job
WHERE unique_key = ?1 AND forget IS NULL
