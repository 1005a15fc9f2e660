SELECT min(forget) FROM job WHERE sequence BETWEEN ?1 AND ?2
