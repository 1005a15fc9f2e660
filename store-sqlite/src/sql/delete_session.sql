DELETE FROM session WHERE id = ?1 AND (?2 IS NULL OR beat = ?2)
