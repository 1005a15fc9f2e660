SELECT sequence, spec, state, created, noise, attempt, worker
FROM job INDEXED BY job_unfinished
WHERE forget IS NULL AND sequence > ?1 AND sequence <= ?2
ORDER BY sequence
LIMIT ?3
