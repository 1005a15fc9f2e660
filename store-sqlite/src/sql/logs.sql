SELECT at, attempt, level, message
FROM log
WHERE job = ?1
ORDER BY number
