SELECT created, noise, state, spec, unique_key, args_type, args
FROM job
WHERE sequence = ?1
