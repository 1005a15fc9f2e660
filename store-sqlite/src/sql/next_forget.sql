SELECT min(forget) FROM block WHERE forget IS NOT NULL
