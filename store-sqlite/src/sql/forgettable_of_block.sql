SELECT sequence, spec, state, forget
FROM job
WHERE sequence BETWEEN ?1 * 64 AND ?1 * 64 + 63 AND forget <= ?2
