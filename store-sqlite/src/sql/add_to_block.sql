UPDATE block
SET
    unfinished = unfinished + ?2,
    forget = coalesce(min(forget, ?3), forget, ?3)
WHERE number = ?1
