SELECT sequence, created, noise, spec, state, attempt
FROM job
WHERE wake <= ?1
ORDER BY wake, sequence
LIMIT ?2
