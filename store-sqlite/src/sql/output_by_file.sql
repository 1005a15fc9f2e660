SELECT file, size, sha256, bytes
FROM output
WHERE file = ?1
