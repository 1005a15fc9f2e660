DELETE FROM block WHERE number = ?1 AND unfinished = 0 AND forget IS NULL
