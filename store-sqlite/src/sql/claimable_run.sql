SELECT args_type, args
FROM job
WHERE sequence BETWEEN ?1 AND ?2 AND state = 2 AND attempt = 0 AND expiry IS NULL
ORDER BY sequence
