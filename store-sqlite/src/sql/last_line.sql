SELECT max(number) FROM log WHERE job = ?1
