-- A job is in exactly one of four tables: held for others in held_job, waiting in job, being run in
-- running_job, finished in archived_job. Its state is where it is.
--
-- The tables are created IF NOT EXISTS, so this also completes the two tables of a Clojure application that runs the
-- original Proletarian: the columns that it does not know all have defaults, and so does `attempts`, which it always
-- sets. Its times have no time zone; waiting rows are read as UTC.

DO $$ BEGIN IF to_regnamespace('proletarian') IS NULL THEN CREATE SCHEMA IF NOT EXISTS proletarian; END IF; END $$;

CREATE TABLE IF NOT EXISTS proletarian.job (
    job_id      :NEW_ID,
    queue       TEXT        NOT NULL,
    job_type    TEXT        NOT NULL,
    payload     TEXT        NOT NULL,
    attempts    INT         NOT NULL DEFAULT 0,
    enqueued_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    process_at  TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE proletarian.job
    ALTER COLUMN attempts SET DEFAULT 0,
    ALTER COLUMN enqueued_at TYPE TIMESTAMPTZ,
    ALTER COLUMN process_at TYPE TIMESTAMPTZ;
ALTER TABLE proletarian.job ADD COLUMN IF NOT EXISTS priority SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE proletarian.job ADD COLUMN IF NOT EXISTS headers TEXT;
ALTER TABLE proletarian.job ADD COLUMN IF NOT EXISTS lost SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE proletarian.job ADD COLUMN IF NOT EXISTS errors TEXT;
-- how many workers died while they held it
ALTER TABLE proletarian.job ADD COLUMN IF NOT EXISTS suspect SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE proletarian.job ADD COLUMN IF NOT EXISTS unique_key TEXT;
-- The limit that the job is under, as `name:key`; '': none. In this collation, lanes of the same name are adjacent.
ALTER TABLE proletarian.job ADD COLUMN IF NOT EXISTS lane TEXT COLLATE "C" NOT NULL DEFAULT '';
-- 1: others wait for it; 2: it has waited for others; 3: both; null: neither
ALTER TABLE proletarian.job ADD COLUMN IF NOT EXISTS flow SMALLINT;
-- Of a job that keeps its place in an ordered lane until it is tried again.
ALTER TABLE proletarian.job ADD COLUMN IF NOT EXISTS retry_at TIMESTAMPTZ;

-- In exactly the order of a claim. Rows come and go here all day, so vacuum early.
CREATE INDEX ON proletarian.job (queue, lane, priority DESC, process_at, job_id);
ALTER TABLE proletarian.job SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.1);

CREATE TABLE IF NOT EXISTS proletarian.running_job (
    job_id      :ID NOT NULL,
    queue       TEXT        NOT NULL,
    job_type    TEXT        NOT NULL,
    payload     TEXT        NOT NULL,
    attempts    INT         NOT NULL,
    enqueued_at TIMESTAMPTZ NOT NULL,
    process_at  TIMESTAMPTZ NOT NULL,
    priority    SMALLINT    NOT NULL,
    headers     TEXT,
    lost        SMALLINT    NOT NULL,
    errors      TEXT,
    suspect     SMALLINT    NOT NULL DEFAULT 0,
    unique_key  TEXT,
    lane        TEXT COLLATE "C" NOT NULL DEFAULT '',
    flow        SMALLINT,
    worker_id   UUID        NOT NULL,
    run_id      BIGINT      NOT NULL,
    started_at  TIMESTAMPTZ NOT NULL,
    progress    TEXT,
    apart       SMALLINT    NOT NULL DEFAULT 0,   -- a suspect's run: 1 beside others, 2 alone in its worker
    PRIMARY KEY (worker_id, run_id)   -- the fence: an outcome counts only if both match
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX ON proletarian.running_job (lane) WHERE lane <> '';

CREATE TABLE IF NOT EXISTS proletarian.archived_job (
    job_id      :ID NOT NULL PRIMARY KEY,
    queue       TEXT        NOT NULL,
    job_type    TEXT        NOT NULL,
    payload     TEXT        NOT NULL,
    attempts    INT         NOT NULL,
    enqueued_at TIMESTAMPTZ NOT NULL,
    process_at  TIMESTAMPTZ NOT NULL,
    status      TEXT        NOT NULL,
    finished_at TIMESTAMPTZ NOT NULL
);
ALTER TABLE proletarian.archived_job
    ALTER COLUMN enqueued_at TYPE TIMESTAMPTZ,
    ALTER COLUMN process_at TYPE TIMESTAMPTZ,
    ALTER COLUMN finished_at TYPE TIMESTAMPTZ;
ALTER TABLE proletarian.archived_job ADD COLUMN IF NOT EXISTS priority SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE proletarian.archived_job ADD COLUMN IF NOT EXISTS headers TEXT;
ALTER TABLE proletarian.archived_job ADD COLUMN IF NOT EXISTS lost SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE proletarian.archived_job ADD COLUMN IF NOT EXISTS errors TEXT;
ALTER TABLE proletarian.archived_job ADD COLUMN IF NOT EXISTS unique_key TEXT;
ALTER TABLE proletarian.archived_job ADD COLUMN IF NOT EXISTS lane TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE proletarian.archived_job ADD COLUMN IF NOT EXISTS flow SMALLINT;
ALTER TABLE proletarian.archived_job ADD COLUMN IF NOT EXISTS started_at TIMESTAMPTZ;
ALTER TABLE proletarian.archived_job ADD COLUMN IF NOT EXISTS worker TEXT;
ALTER TABLE proletarian.archived_job ADD COLUMN IF NOT EXISTS result TEXT;

-- The archive grows in the order of time, so a block range index finds old jobs at almost no cost per job. Failures are
-- few and often searched for: they are paged by status and id.
CREATE INDEX ON proletarian.archived_job USING brin (finished_at)
    WITH (autosummarize = on);
CREATE INDEX ON proletarian.archived_job (status, job_id, queue)
    WHERE status <> 'success';

-- The latest job of each unique key. Nobody frees a key: it is held while its job is in the tables that the scope
-- counts (`job`, `running_job`), or until the time given here. Keys that nobody has taken for a day are pruned.
CREATE TABLE IF NOT EXISTS proletarian.unique_job (
    unique_key  TEXT        NOT NULL PRIMARY KEY,
    job_id      :ID         NOT NULL,
    taken_at    TIMESTAMPTZ NOT NULL,
    held_until  TIMESTAMPTZ             -- null: as long as its job is there
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);

-- Jobs that wait for others. `waits` is for how many. If a job was cancelled and is held again, it gets a new `hold`,
-- and what was told to the previous one no longer counts.
CREATE TABLE IF NOT EXISTS proletarian.held_job (
    job_id      :ID NOT NULL PRIMARY KEY,
    queue       TEXT        NOT NULL,
    job_type    TEXT        NOT NULL,
    payload     TEXT        NOT NULL,
    attempts    INT         NOT NULL DEFAULT 0,
    enqueued_at TIMESTAMPTZ NOT NULL,
    process_at  TIMESTAMPTZ NOT NULL,
    priority    SMALLINT    NOT NULL DEFAULT 0,
    headers     TEXT,
    lost        SMALLINT    NOT NULL DEFAULT 0,
    errors      TEXT,
    unique_key  TEXT,
    lane        TEXT COLLATE "C" NOT NULL DEFAULT '',
    flow        SMALLINT,
    hold        BIGINT      NOT NULL DEFAULT 0,
    waits       INT         NOT NULL,
    if_failed   TEXT        NOT NULL      -- what happens to it if one of those does not succeed: cancel or run
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02);

-- Which job waits for which, kept as long as the waiting job exists. `outcome`: 1 it succeeded, 2 it did not; null: the
-- waiting job has not been told yet.
CREATE TABLE IF NOT EXISTS proletarian.dependency (
    awaited_id  :ID         NOT NULL,
    waiting_id  :ID         NOT NULL,
    outcome     SMALLINT,
    PRIMARY KEY (awaited_id, waiting_id)
) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX ON proletarian.dependency (waiting_id);

-- The same for awaited jobs that existed before: their acknowledgement may be under way, and cannot see an edge of a
-- transaction that is open. So these are checked until the awaited job has ended.
CREATE TABLE IF NOT EXISTS proletarian.late_dependency (
    number      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    awaited_id  :ID         NOT NULL,
    waiting_id  :ID         NOT NULL,
    hold        BIGINT      NOT NULL,
    outcome     SMALLINT
);
CREATE INDEX ON proletarian.late_dependency (waiting_id);
CREATE INDEX ON proletarian.late_dependency (awaited_id);

-- What waiting jobs were told, until a release counts it: acknowledgements only insert here, and wait for nobody.
CREATE TABLE IF NOT EXISTS proletarian.wait_over (
    number      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    waiting_id  :ID         NOT NULL,
    hold        BIGINT      NOT NULL,
    done        INT         NOT NULL,
    failed      INT         NOT NULL,
    failed_id   :ID                         -- one of those that did not succeed
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX ON proletarian.wait_over (waiting_id);

-- The results of steps, kept as long as their jobs exist. An id may be given to another job later: a step belongs to
-- the job that was enqueued at this moment.
CREATE TABLE IF NOT EXISTS proletarian.step (
    job_id      :ID         NOT NULL,
    name        TEXT        NOT NULL,
    enqueued_at TIMESTAMPTZ NOT NULL,
    result      TEXT        NOT NULL,
    kept_at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (job_id, name)
) WITH (autovacuum_vacuum_scale_factor = 0.02);

CREATE TABLE IF NOT EXISTS proletarian.worker (
    worker_id   UUID        NOT NULL PRIMARY KEY,
    host        TEXT        NOT NULL,
    pid         INT         NOT NULL,
    queues      TEXT        NOT NULL,
    job_types   TEXT,       -- the types that it has handlers for, as JSON; null: it cannot list them
    process     TEXT,       -- identifies its process to others on the same machine; null if that is not possible
    limits      TEXT,       -- those that its code declares, as JSON; null: none
    liveness_lock BIGINT,   -- the advisory lock that proves that it lives; null: only its heartbeat does
    pump_lock   BIGINT,     -- a second one, of another session; when both are free, the process is dead
    lost_after  FLOAT8      NOT NULL,
    started_at  TIMESTAMPTZ NOT NULL,
    seen_at     TIMESTAMPTZ NOT NULL
);

-- Orders of people, which workers obey within a second: see orders.sql. Both tables are almost always empty.
CREATE TABLE IF NOT EXISTS proletarian.paused_queue (
    queue       TEXT        NOT NULL PRIMARY KEY,
    reason      TEXT        NOT NULL,
    paused_by   TEXT        NOT NULL,
    paused_at   TIMESTAMPTZ NOT NULL
);

-- Running jobs that are to be cancelled. This is a separate table because an application with an open transaction would
-- otherwise hold a lock that the acknowledgement needs.
CREATE TABLE IF NOT EXISTS proletarian.cancel_request (
    job_id       :ID NOT NULL PRIMARY KEY,
    reason       TEXT        NOT NULL,
    requested_by TEXT        NOT NULL,
    requested_at TIMESTAMPTZ NOT NULL
);

-- Jobs that are enqueued again and again. `cron` or `every` (seconds) says when. `options` are the options of the job
-- that have no column, as JSON. `digest` is computed from what the code declares; null if the schedule was made at run
-- time. `next_at` is the first tick that has not been fired yet.
CREATE TABLE IF NOT EXISTS proletarian.schedule (
    app         TEXT        NOT NULL,
    name        TEXT        NOT NULL,
    cron        TEXT,
    every       FLOAT8,
    tz          TEXT        NOT NULL,
    missed      TEXT        NOT NULL,
    job_type    TEXT        NOT NULL,
    queue       TEXT        NOT NULL,
    payload     TEXT        NOT NULL,
    options     TEXT        NOT NULL,
    digest      TEXT,
    next_at     TIMESTAMPTZ NOT NULL,
    last_at     TIMESTAMPTZ,
    paused_at   TIMESTAMPTZ,
    PRIMARY KEY (app, name)
) WITH (autovacuum_vacuum_threshold = 200);
CREATE INDEX ON proletarian.schedule (app, next_at);

-- Which releases of an application are alive, by the digest of everything they declare.
CREATE TABLE IF NOT EXISTS proletarian.schedule_release (
    app         TEXT        NOT NULL,
    digest      TEXT        NOT NULL,
    born_at     TIMESTAMPTZ NOT NULL,
    seen_at     TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (app, digest)
);

-- What people did, and when: each entry is written in the transaction of the act itself.
CREATE TABLE IF NOT EXISTS proletarian.audit (
    entry_id    BIGINT      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    done_at     TIMESTAMPTZ NOT NULL,
    who         TEXT        NOT NULL,
    action      TEXT        NOT NULL,
    target      TEXT        NOT NULL,   -- a job id, a filter, the name of a queue or schedule
    detail      TEXT        NOT NULL,
    jobs        INT                     -- how many were changed; null if not counted
);

-- One row for each lane with recent claims; see lanes.sql. Running jobs are counted in `running_job`.
CREATE TABLE IF NOT EXISTS proletarian.lane (
    lane        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version     BIGINT      NOT NULL DEFAULT 0,  -- grows with each claim
    next_at     FLOAT8      NOT NULL DEFAULT 0   -- for a rate: no start before this (in seconds since 1970)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- Limits that people have set at run time, by name; they override those of the code.
CREATE TABLE IF NOT EXISTS proletarian.lane_limit (
    name        TEXT        NOT NULL PRIMARY KEY,
    running     INT,
    rate        INT,
    seconds     FLOAT8,
    burst       INT,
    set_by      TEXT        NOT NULL,
    set_at      TIMESTAMPTZ NOT NULL
);
