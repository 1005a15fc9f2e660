SELECT number, worker, started, ended, outcome, detail
FROM attempt
WHERE job = ?1
ORDER BY number
