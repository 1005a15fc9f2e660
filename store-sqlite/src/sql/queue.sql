UPDATE job SET state = 2, wake = NULL WHERE sequence = ?1
