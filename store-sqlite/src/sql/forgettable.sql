SELECT number, forget
FROM block
WHERE forget <= ?1
ORDER BY forget, number
