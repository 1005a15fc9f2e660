SELECT count(*)
FROM job
WHERE
    (?1 >> state) & 1
    AND (?2 IS NULL OR unique_key = ?2)
    AND (
        NOT ?3
        OR spec IN (
            SELECT id FROM spec WHERE (?4 IS NULL OR task = ?4) AND (?5 IS NULL OR priority = ?5)
        )
    )
