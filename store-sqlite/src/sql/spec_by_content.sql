SELECT id FROM spec WHERE content = ?1
