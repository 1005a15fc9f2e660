DELETE FROM job WHERE sequence = ?1
