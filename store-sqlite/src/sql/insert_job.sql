INSERT INTO job (
    sequence, spec, state, created, noise, origin, ttl, due, wake, expiry, unique_key, retry_of,
    args_type, args
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
