INSERT INTO job (
    sequence, spec, state, created, noise, origin, ttl, due, wake, expiry, unique_key, retry_of,
    args_type, args, attempt, worker, started
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
