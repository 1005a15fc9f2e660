UPDATE counter SET sequence = ?1 WHERE only = 1
