-- A job is in exactly one of four tables: held for others in held_job, waiting in job, being run in
-- running_job, finished in archived_job. Its state is where it is.

CREATE TABLE IF NOT EXISTS proletarian_job (
    job_id      :NEW_ID,
    queue       TEXT    NOT NULL,
    job_type    TEXT    NOT NULL,
    payload     TEXT    NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    enqueued_at TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now')),
    process_at  TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now')),
    priority    INTEGER NOT NULL DEFAULT 0,
    headers     TEXT,
    lost        INTEGER NOT NULL DEFAULT 0,
    errors      TEXT,
    suspect     INTEGER NOT NULL DEFAULT 0,  -- how many workers died while they held it
    unique_key  TEXT,
    lane        TEXT    NOT NULL DEFAULT '',  -- the limit that it is under, as `name:key`; '': none
    flow        INTEGER, -- 1: others wait for it; 2: it has waited for others; 3: both; null: neither
    retry_at    TEXT     -- of a job that keeps its place in an ordered lane until it is tried again
);

-- In exactly the order of a claim.
CREATE INDEX IF NOT EXISTS proletarian_job_in_order ON proletarian_job (queue, lane, priority DESC, process_at, job_id);

CREATE TABLE IF NOT EXISTS proletarian_running_job (
    job_id      :ID NOT NULL,
    queue       TEXT    NOT NULL,
    job_type    TEXT    NOT NULL,
    payload     TEXT    NOT NULL,
    attempts    INTEGER NOT NULL,
    enqueued_at TEXT    NOT NULL,
    process_at  TEXT    NOT NULL,
    priority    INTEGER NOT NULL,
    headers     TEXT,
    lost        INTEGER NOT NULL,
    errors      TEXT,
    suspect     INTEGER NOT NULL DEFAULT 0,
    unique_key  TEXT,
    lane        TEXT    NOT NULL DEFAULT '',
    flow        INTEGER,
    worker_id   TEXT    NOT NULL,
    run_id      INTEGER NOT NULL,
    started_at  TEXT    NOT NULL,
    progress    TEXT,
    apart       INTEGER NOT NULL DEFAULT 0,   -- a suspect's run: 1 beside others, 2 alone in its worker
    PRIMARY KEY (worker_id, run_id)   -- the fence: an outcome counts only if both match
);

CREATE INDEX IF NOT EXISTS proletarian_running_job_lane ON proletarian_running_job (lane) WHERE lane <> '';

CREATE TABLE IF NOT EXISTS proletarian_archived_job (
    job_id      :ID NOT NULL PRIMARY KEY,
    queue       TEXT    NOT NULL,
    job_type    TEXT    NOT NULL,
    payload     TEXT    NOT NULL,
    attempts    INTEGER NOT NULL,
    enqueued_at TEXT    NOT NULL,
    process_at  TEXT    NOT NULL,
    priority    INTEGER NOT NULL DEFAULT 0,
    headers     TEXT,
    lost        INTEGER NOT NULL DEFAULT 0,
    errors      TEXT,
    unique_key  TEXT,
    lane        TEXT    NOT NULL DEFAULT '',
    flow        INTEGER,
    status      TEXT    NOT NULL,
    started_at  TEXT,
    finished_at TEXT    NOT NULL,
    worker      TEXT,
    result      TEXT
);

CREATE INDEX IF NOT EXISTS proletarian_archived_job_finished_at
    ON proletarian_archived_job (finished_at, status, queue);
CREATE INDEX IF NOT EXISTS proletarian_archived_job_failures ON proletarian_archived_job (status, job_id, queue)
    WHERE status <> 'success';

-- The latest job of each unique key. Nobody frees a key: it is held while its job is in the tables that the scope
-- counts (`job`, `running_job`), or until the time given here. Keys that nobody has taken for a day are pruned.
CREATE TABLE IF NOT EXISTS proletarian_unique_job (
    unique_key  TEXT    NOT NULL PRIMARY KEY,
    job_id      :ID     NOT NULL,
    taken_at    TEXT    NOT NULL,
    held_until  TEXT                    -- null: as long as its job is there
) WITHOUT ROWID;

-- Jobs that wait for others. `waits` is for how many. If a job was cancelled and is held again, it gets a new `hold`,
-- and what was told to the previous one no longer counts.
CREATE TABLE IF NOT EXISTS proletarian_held_job (
    job_id      :ID NOT NULL PRIMARY KEY,
    queue       TEXT    NOT NULL,
    job_type    TEXT    NOT NULL,
    payload     TEXT    NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    enqueued_at TEXT    NOT NULL,
    process_at  TEXT    NOT NULL,
    priority    INTEGER NOT NULL DEFAULT 0,
    headers     TEXT,
    lost        INTEGER NOT NULL DEFAULT 0,
    errors      TEXT,
    unique_key  TEXT,
    lane        TEXT    NOT NULL DEFAULT '',
    flow        INTEGER,
    hold        INTEGER NOT NULL DEFAULT 0,
    waits       INTEGER NOT NULL,
    if_failed   TEXT    NOT NULL      -- what happens to it if one of those does not succeed: cancel or run
);

-- Which job waits for which, kept as long as the waiting job exists. `outcome`: 1 it succeeded, 2 it did not; null: the
-- waiting job has not been told yet.
CREATE TABLE IF NOT EXISTS proletarian_dependency (
    awaited_id  :ID     NOT NULL,
    waiting_id  :ID     NOT NULL,
    outcome     INTEGER,
    PRIMARY KEY (awaited_id, waiting_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS proletarian_dependency_waiting ON proletarian_dependency (waiting_id);

-- The same for awaited jobs that existed before: these are checked until the awaited job has ended.
CREATE TABLE IF NOT EXISTS proletarian_late_dependency (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    awaited_id  :ID     NOT NULL,
    waiting_id  :ID     NOT NULL,
    hold        INTEGER NOT NULL,
    outcome     INTEGER
);
CREATE INDEX IF NOT EXISTS proletarian_late_dependency_waiting ON proletarian_late_dependency (waiting_id);
CREATE INDEX IF NOT EXISTS proletarian_late_dependency_awaited ON proletarian_late_dependency (awaited_id);

-- What waiting jobs were told, until a release counts it.
CREATE TABLE IF NOT EXISTS proletarian_wait_over (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    waiting_id  :ID     NOT NULL,
    hold        INTEGER NOT NULL,
    done        INTEGER NOT NULL,
    failed      INTEGER NOT NULL,
    failed_id   :ID                   -- one of those that did not succeed
);
CREATE INDEX IF NOT EXISTS proletarian_wait_over_waiting ON proletarian_wait_over (waiting_id);

-- The results of steps, kept as long as their jobs exist. An id may be given to another job later: a step belongs to
-- the job that was enqueued at this moment.
CREATE TABLE IF NOT EXISTS proletarian_step (
    job_id      :ID     NOT NULL,
    name        TEXT    NOT NULL,
    enqueued_at TEXT    NOT NULL,
    result      TEXT    NOT NULL,
    kept_at     TEXT    NOT NULL,
    PRIMARY KEY (job_id, name)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS proletarian_worker (
    worker_id     TEXT    NOT NULL PRIMARY KEY,
    host          TEXT    NOT NULL,
    pid           INTEGER NOT NULL,
    queues        TEXT    NOT NULL,
    job_types     TEXT,      -- the types that it has handlers for, as JSON; null: it cannot list them
    process       TEXT,      -- identifies its process to others on the same machine; null if that is not possible
    limits        TEXT,      -- those that its code declares, as JSON; null: none
    liveness_lock TEXT,     -- the file that it keeps locked; null: only its heartbeat proves that it lives
    pump_lock     TEXT,     -- null: a file needs no second witness
    lost_after    REAL    NOT NULL,
    started_at    TEXT    NOT NULL,
    seen_at       TEXT    NOT NULL
);

-- Orders of people, which workers obey within a second: see orders.sql. Both tables are almost always empty.
CREATE TABLE IF NOT EXISTS proletarian_paused_queue (
    queue         TEXT    NOT NULL PRIMARY KEY,
    reason        TEXT    NOT NULL,
    paused_by     TEXT    NOT NULL,
    paused_at     TEXT    NOT NULL
);

-- Running jobs that are to be cancelled.
CREATE TABLE IF NOT EXISTS proletarian_cancel_request (
    job_id        :ID NOT NULL PRIMARY KEY,
    reason        TEXT    NOT NULL,
    requested_by  TEXT    NOT NULL,
    requested_at  TEXT    NOT NULL
);

-- Jobs that are enqueued again and again. `cron` or `every` (seconds) says when. `options` are the options of the job
-- that have no column, as JSON. `digest` is computed from what the code declares; null if the schedule was made at run
-- time. `next_at` is the first tick that has not been fired yet.
CREATE TABLE IF NOT EXISTS proletarian_schedule (
    app           TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    cron          TEXT,
    every         REAL,
    tz            TEXT    NOT NULL,
    missed        TEXT    NOT NULL,
    job_type      TEXT    NOT NULL,
    queue         TEXT    NOT NULL,
    payload       TEXT    NOT NULL,
    options       TEXT    NOT NULL,
    digest        TEXT,
    next_at       TEXT    NOT NULL,
    last_at       TEXT,
    paused_at     TEXT,
    PRIMARY KEY (app, name)
);
CREATE INDEX IF NOT EXISTS proletarian_schedule_in_order ON proletarian_schedule (app, next_at);

-- Which releases of an application are alive, by the digest of everything they declare.
CREATE TABLE IF NOT EXISTS proletarian_schedule_release (
    app           TEXT    NOT NULL,
    digest        TEXT    NOT NULL,
    born_at       TEXT    NOT NULL,
    seen_at       TEXT    NOT NULL,
    PRIMARY KEY (app, digest)
);

-- What people did, and when: each entry is written in the transaction of the act itself.
CREATE TABLE IF NOT EXISTS proletarian_audit (
    entry_id      INTEGER NOT NULL PRIMARY KEY,
    done_at       TEXT    NOT NULL,
    who           TEXT    NOT NULL,
    action        TEXT    NOT NULL,
    target        TEXT    NOT NULL,   -- a job id, a filter, the name of a queue or schedule
    detail        TEXT    NOT NULL,
    jobs          INTEGER             -- how many were changed; null if not counted
);

-- One row for each lane with a rate and recent claims; see lanes.sql. Running jobs are counted in `running_job`.
CREATE TABLE IF NOT EXISTS proletarian_lane (
    lane        TEXT    NOT NULL PRIMARY KEY,
    version     INTEGER NOT NULL DEFAULT 0,  -- grows with each claim
    next_at     REAL    NOT NULL DEFAULT 0   -- for a rate: no start before this (in seconds since 1970)
) WITHOUT ROWID;

-- Limits that people have set at run time, by name; they override those of the code.
CREATE TABLE IF NOT EXISTS proletarian_lane_limit (
    name        TEXT    NOT NULL PRIMARY KEY,
    running     INTEGER,
    rate        INTEGER,
    seconds     REAL,
    burst       INTEGER,
    set_by      TEXT    NOT NULL,
    set_at      TEXT    NOT NULL
);
