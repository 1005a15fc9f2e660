UPDATE block
SET forget = (
    SELECT min(forget) FROM job WHERE sequence BETWEEN ?1 * 64 AND ?1 * 64 + 63
)
WHERE number = ?1
