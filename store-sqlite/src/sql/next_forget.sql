SELECT min(forget) FROM job WHERE forget IS NOT NULL
