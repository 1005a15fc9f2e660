PRAGMA synchronous = full
