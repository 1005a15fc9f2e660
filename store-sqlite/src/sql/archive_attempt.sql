INSERT INTO attempt (job, number, worker, started, ended, outcome, detail)
SELECT sequence, attempt, worker, started, ended, outcome, detail
FROM job
WHERE sequence = ?1
