-- What attempts gave that is kept apart: a result that is too large for its job's row, named `result`, and
-- what was written beside it. A file is in the folder beside this one, and the bytes here are then how it
-- begins; without one they are all there is. A file that no row names, and whose attempt does not run, is
-- a stray.
CREATE TABLE output (
    job INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    attempt INTEGER NOT NULL CHECK (attempt > 0),
    name TEXT NOT NULL,
    file TEXT UNIQUE,
    size INTEGER NOT NULL CHECK (size >= 0),
    sha256 BLOB CHECK (length(sha256) = 32),
    bytes BLOB NOT NULL CHECK (length(bytes) <= size),
    PRIMARY KEY (job, attempt, name),
    CHECK ((file IS NULL) = (sha256 IS NULL)),
    CHECK (file IS NOT NULL OR length(bytes) = size)
) STRICT;
