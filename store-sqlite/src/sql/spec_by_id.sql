SELECT content FROM spec WHERE id = ?1
