-- A job is in exactly one of three tables: waiting in job, being run in running_job,
-- finished in archived_job. Its state is where it is.

CREATE TABLE IF NOT EXISTS proletarian_job (
    job_id      /*new_job_id*/ TEXT NOT NULL PRIMARY KEY,
    queue       TEXT    NOT NULL,
    job_type    TEXT    NOT NULL,
    payload     TEXT    NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    enqueued_at TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now')),
    process_at  TEXT    NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f000', 'now')),
    priority    INTEGER NOT NULL DEFAULT 0,
    headers     TEXT,
    lost        INTEGER NOT NULL DEFAULT 0,
    errors      TEXT
);

-- Exactly in the order of a claim.
CREATE INDEX IF NOT EXISTS proletarian_job_in_order ON proletarian_job (queue, priority DESC, process_at, job_id);

CREATE TABLE IF NOT EXISTS proletarian_running_job (
    job_id      /*job_id*/ TEXT NOT NULL,
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
    worker_id   TEXT    NOT NULL,
    run_id      INTEGER NOT NULL,
    started_at  TEXT    NOT NULL,
    progress    TEXT,
    PRIMARY KEY (worker_id, run_id)   -- the fence: an outcome counts only under both
);

CREATE TABLE IF NOT EXISTS proletarian_archived_job (
    job_id      /*job_id*/ TEXT NOT NULL PRIMARY KEY,
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
    status      TEXT    NOT NULL,
    started_at  TEXT,
    finished_at TEXT    NOT NULL,
    worker      TEXT,
    result      TEXT
);

CREATE INDEX IF NOT EXISTS proletarian_archived_job_finished_at ON proletarian_archived_job (finished_at);
CREATE INDEX IF NOT EXISTS proletarian_archived_job_failures ON proletarian_archived_job (queue, finished_at)
    WHERE status <> 'success';

CREATE TABLE IF NOT EXISTS proletarian_worker (
    worker_id     TEXT    NOT NULL PRIMARY KEY,
    host          TEXT    NOT NULL,
    pid           INTEGER NOT NULL,
    queues        TEXT    NOT NULL,
    liveness_lock TEXT,     -- the file that it keeps locked; null: only its heartbeat proves its life
    lost_after    REAL    NOT NULL,
    started_at    TEXT    NOT NULL,
    seen_at       TEXT    NOT NULL
);
