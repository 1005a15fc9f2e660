-- What jobs declare, each different declaration once. Ids are never used again, so that what was
-- read of one stays true.
CREATE TABLE spec (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task TEXT NOT NULL,
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
    content TEXT NOT NULL UNIQUE,
    jobs INTEGER NOT NULL DEFAULT 0 CHECK (jobs >= 0)
) STRICT;
CREATE INDEX spec_task ON spec (task);
CREATE INDEX spec_unused ON spec (id) WHERE jobs = 0;

-- Who has the store open. A row is there from the open to the close, or until somebody finds that
-- its process is gone; ids are never used again. `beat` is raised while it runs jobs: no time stands
-- here, each observer measures by its own clock how long it has stood still.
CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    process INTEGER NOT NULL,
    beat INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Who has run jobs: in each session its workers are new ones, whatever their names.
CREATE TABLE worker (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session INTEGER NOT NULL,
    name TEXT NOT NULL
) STRICT;
CREATE INDEX worker_session ON worker (session);

-- States, in their order: 0 scheduled, 1 blocked, 2 queued, 3 running, 4 retrying, 5 completed,
-- 6 failed, 7 cancelled. Times are microseconds since 1970. The newest attempt is part of its job
-- until another one begins or the job is cancelled while it waits.
CREATE TABLE job (
    sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
    spec INTEGER NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
    created INTEGER NOT NULL,
    -- The random part of the id; the rest of it is `created` and `sequence`.
    noise INTEGER NOT NULL,
    -- The first session of whoever submitted it.
    origin INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    failures INTEGER NOT NULL DEFAULT 0 CHECK (failures BETWEEN 0 AND attempt),
    -- How long it is kept once it has ended, where its task says so.
    ttl INTEGER,
    -- When it may run, to be shown; and when it is to be queued, while it waits for that.
    due INTEGER,
    wake INTEGER,
    -- By when it must have started, while it has not.
    expiry INTEGER,
    started INTEGER,
    ended INTEGER,
    -- When it is to be forgotten, once it has ended.
    forget INTEGER,
    worker INTEGER,
    outcome INTEGER CHECK (outcome BETWEEN 0 AND 8),
    detail TEXT,
    unique_key TEXT,
    retry_of BLOB CHECK (length(retry_of) = 16),
    args_type INTEGER,
    args BLOB,
    result_type INTEGER,
    result BLOB,
    CHECK ((state >= 5) = (forget IS NOT NULL)),
    CHECK (state < 5 OR (outcome IS NOT NULL AND ended IS NOT NULL)),
    CHECK (state <> 3 OR (attempt > 0 AND outcome IS NULL AND ended IS NULL)),
    CHECK (attempt = 0 OR (worker IS NOT NULL AND started IS NOT NULL)),
    CHECK ((state IN (0, 4)) = (wake IS NOT NULL)),
    CHECK (state <> 4 OR attempt > 0),
    CHECK (expiry IS NULL OR (attempt = 0 AND state < 3)),
    CHECK ((args_type IS NULL) = (args IS NULL)),
    CHECK ((result_type IS NULL) = (result IS NULL)),
    CHECK (result IS NULL OR state = 5)
) STRICT;
-- Each names only what it needs, and none has an entry of an ordinary job: what is unfinished, what
-- runs and what is to be forgotten is found by block and running.
CREATE INDEX job_wake ON job (wake) WHERE wake IS NOT NULL;
CREATE INDEX job_expiry ON job (expiry) WHERE expiry IS NOT NULL;
CREATE UNIQUE INDEX job_unique ON job (unique_key) WHERE unique_key IS NOT NULL AND forget IS NULL;

-- The jobs whose sequences over 64 are `number`: how many have not ended, and when the first of the
-- others is to be forgotten. A row is there while it has a job.
CREATE TABLE block (
    number INTEGER PRIMARY KEY CHECK (number >= 0),
    unfinished INTEGER NOT NULL CHECK (unfinished BETWEEN 0 AND 64),
    forget INTEGER
) STRICT;
CREATE INDEX block_unfinished ON block (number) WHERE unfinished > 0;
CREATE INDEX block_forget ON block (forget) WHERE forget IS NOT NULL;

-- How many jobs of a block a worker runs. What a session that is gone was running is found by it.
CREATE TABLE running (
    worker INTEGER NOT NULL,
    block INTEGER NOT NULL,
    jobs INTEGER NOT NULL CHECK (jobs BETWEEN 0 AND 64),
    PRIMARY KEY (worker, block)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt (
    job INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number > 0),
    worker INTEGER NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    outcome INTEGER NOT NULL CHECK (outcome BETWEEN 0 AND 8),
    detail TEXT,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE progress (
    job INTEGER PRIMARY KEY REFERENCES job ON DELETE CASCADE,
    percent REAL NOT NULL,
    message TEXT
) STRICT;

CREATE TABLE checkpoint (
    job INTEGER PRIMARY KEY REFERENCES job ON DELETE CASCADE,
    type INTEGER,
    bytes BLOB,
    CHECK ((type IS NULL) = (bytes IS NULL))
) STRICT;

CREATE TABLE log (
    job INTEGER NOT NULL REFERENCES job ON DELETE CASCADE,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

-- Why a job is not to run any more, where it was cancelled while it ran: the first reason, and the
-- newest attempt of which somebody said so. It has no meaning any more once the job has ended.
CREATE TABLE wish (
    job INTEGER PRIMARY KEY REFERENCES job ON DELETE CASCADE,
    attempt INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;

-- What became of jobs, and through whom: the first session of who changed it, 0 where a session was
-- found to be gone. The newest are kept.
CREATE TABLE change (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job INTEGER NOT NULL,
    at INTEGER NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
    attempt INTEGER NOT NULL,
    session INTEGER NOT NULL
) STRICT;

-- How many jobs are in each state.
CREATE TABLE tally (
    state INTEGER PRIMARY KEY CHECK (state BETWEEN 0 AND 7),
    jobs INTEGER NOT NULL DEFAULT 0 CHECK (jobs >= 0)
) STRICT;
INSERT INTO tally (state) VALUES (0), (1), (2), (3), (4), (5), (6), (7);

-- The last sequence number that was given out.
CREATE TABLE counter (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    sequence INTEGER NOT NULL
) STRICT;
INSERT INTO counter (only, sequence) VALUES (1, 0);
