PRAGMA synchronous = normal
