SELECT sequence, spec, state
FROM job
WHERE forget <= ?1
ORDER BY forget, sequence
LIMIT ?2
