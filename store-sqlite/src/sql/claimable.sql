SELECT attempt, failures, args_type, args
FROM job
WHERE sequence = ?1 AND state = 2 AND (expiry IS NULL OR expiry > ?2)
