SELECT worker, forget FROM job WHERE sequence = ?1
