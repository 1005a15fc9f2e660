SELECT 1
FROM output
WHERE file = ?1
UNION ALL
SELECT 1
FROM job
WHERE sequence = ?2 AND state = 3 AND attempt = ?3
