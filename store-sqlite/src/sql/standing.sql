SELECT created, noise, state, attempt, spec
FROM job
WHERE sequence = ?1
