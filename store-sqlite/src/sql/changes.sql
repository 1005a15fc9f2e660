SELECT id, job FROM change WHERE id > ?1 AND session <> ?2 ORDER BY id
