SELECT max(id) FROM worker
