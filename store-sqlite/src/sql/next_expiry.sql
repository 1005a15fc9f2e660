SELECT min(expiry) FROM job WHERE expiry IS NOT NULL
