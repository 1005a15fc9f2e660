DELETE FROM log WHERE job = ?1 AND number <= ?2
