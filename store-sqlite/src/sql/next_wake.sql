SELECT min(wake) FROM job WHERE wake IS NOT NULL
