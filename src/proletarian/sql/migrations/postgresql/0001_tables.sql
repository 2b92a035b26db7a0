-- A job is in exactly one of three tables: waiting in job, being run in running_job,
-- finished in archived_job. Its state is where it is.
--
-- The tables are IF NOT EXISTS, so that this also completes the two tables of a Clojure
-- application that runs the original Proletarian: the columns that it does not know all
-- have defaults.

CREATE SCHEMA IF NOT EXISTS proletarian;

CREATE TABLE IF NOT EXISTS proletarian.job (
    job_id      /*new_job_id*/ UUID NOT NULL PRIMARY KEY,
    queue       TEXT        NOT NULL,
    job_type    TEXT        NOT NULL,
    payload     TEXT        NOT NULL,
    attempts    INT         NOT NULL DEFAULT 0,
    enqueued_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    process_at  TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE proletarian.job ADD COLUMN IF NOT EXISTS priority SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE proletarian.job ADD COLUMN IF NOT EXISTS headers TEXT;
ALTER TABLE proletarian.job ADD COLUMN IF NOT EXISTS lost SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE proletarian.job ADD COLUMN IF NOT EXISTS errors TEXT;

-- Exactly in the order of a claim. Rows come and go here all day, so vacuum early.
CREATE INDEX ON proletarian.job (queue, priority DESC, process_at, job_id);
ALTER TABLE proletarian.job SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.1);

CREATE TABLE IF NOT EXISTS proletarian.running_job (
    job_id      /*job_id*/ UUID NOT NULL,
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
    worker_id   UUID        NOT NULL,
    run_id      BIGINT      NOT NULL,
    started_at  TIMESTAMPTZ NOT NULL,
    progress    TEXT,
    PRIMARY KEY (worker_id, run_id)   -- the fence: an outcome counts only under both
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

CREATE TABLE IF NOT EXISTS proletarian.archived_job (
    job_id      /*job_id*/ UUID NOT NULL PRIMARY KEY,
    queue       TEXT        NOT NULL,
    job_type    TEXT        NOT NULL,
    payload     TEXT        NOT NULL,
    attempts    INT         NOT NULL,
    enqueued_at TIMESTAMPTZ NOT NULL,
    process_at  TIMESTAMPTZ NOT NULL,
    status      TEXT        NOT NULL,
    finished_at TIMESTAMPTZ NOT NULL
);
ALTER TABLE proletarian.archived_job ADD COLUMN IF NOT EXISTS priority SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE proletarian.archived_job ADD COLUMN IF NOT EXISTS headers TEXT;
ALTER TABLE proletarian.archived_job ADD COLUMN IF NOT EXISTS lost SMALLINT NOT NULL DEFAULT 0;
ALTER TABLE proletarian.archived_job ADD COLUMN IF NOT EXISTS errors TEXT;
ALTER TABLE proletarian.archived_job ADD COLUMN IF NOT EXISTS started_at TIMESTAMPTZ;
ALTER TABLE proletarian.archived_job ADD COLUMN IF NOT EXISTS worker TEXT;
ALTER TABLE proletarian.archived_job ADD COLUMN IF NOT EXISTS result TEXT;

-- The archive grows in the order of time, so a block range index finds what is old at next
-- to no cost for each job. Failures are few, and looked for.
CREATE INDEX ON proletarian.archived_job USING brin (finished_at)
    WITH (autosummarize = on);
CREATE INDEX ON proletarian.archived_job (queue, finished_at)
    WHERE status <> 'success';

CREATE TABLE IF NOT EXISTS proletarian.worker (
    worker_id   UUID        NOT NULL PRIMARY KEY,
    host        TEXT        NOT NULL,
    pid         INT         NOT NULL,
    queues      TEXT        NOT NULL,
    liveness_lock BIGINT,   -- the advisory lock that proves its life; null: only its heartbeat does
    lost_after  FLOAT8      NOT NULL,
    started_at  TIMESTAMPTZ NOT NULL,
    seen_at     TIMESTAMPTZ NOT NULL
);
