SELECT attempt, name, file, size, sha256, bytes
FROM output
WHERE job = ?1 AND name <> 'result'
ORDER BY attempt, name
