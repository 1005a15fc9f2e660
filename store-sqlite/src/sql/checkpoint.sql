SELECT type, bytes FROM checkpoint WHERE job = ?1
