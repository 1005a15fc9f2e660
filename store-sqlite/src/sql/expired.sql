SELECT sequence, spec, state
FROM job
WHERE expiry <= ?1
ORDER BY expiry, sequence
LIMIT ?2
