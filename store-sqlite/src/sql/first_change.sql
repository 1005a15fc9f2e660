SELECT min(id) FROM change
