-- A job is in exactly one of four tables: held for others in held_job, waiting in job, being run in running_job,
-- finished in archived_job. Its state is where it is. Timestamps are UTC, to the microsecond. Names are compared byte
-- by byte (utf8mb4_bin): `Mail` and `mail` are two queues.

-- If the two tables of a Clojure application that runs the original Proletarian exist (`--prefix proletarian.`), they
-- are completed by an ALTER, which is executed only if a table lacks our columns.
SET @alter_job = IF(
    EXISTS (SELECT 1 FROM information_schema.columns WHERE 'proletarian_job' IN
                (CONCAT(table_schema, '.', table_name), IF(table_schema = DATABASE(), table_name, '')))
    AND NOT EXISTS (SELECT 1 FROM information_schema.columns WHERE column_name = 'priority' AND 'proletarian_job' IN
                (CONCAT(table_schema, '.', table_name), IF(table_schema = DATABASE(), table_name, ''))),
    'ALTER TABLE proletarian_job
        MODIFY queue VARCHAR(256) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        MODIFY job_type VARCHAR(256) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        MODIFY payload LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        MODIFY attempts INT NOT NULL DEFAULT 0,
        MODIFY enqueued_at DATETIME(6) NOT NULL,
        MODIFY process_at DATETIME(6) NOT NULL,
        ADD COLUMN priority SMALLINT NOT NULL DEFAULT 0,
        ADD COLUMN headers LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
        ADD COLUMN lost SMALLINT NOT NULL DEFAULT 0,
        ADD COLUMN errors LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
        ADD COLUMN suspect SMALLINT NOT NULL DEFAULT 0,
        ADD COLUMN unique_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
        ADD COLUMN lane VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '''',
        ADD COLUMN flow SMALLINT,
        ADD COLUMN retry_at DATETIME(6),
        ADD KEY job_in_order (queue, lane, priority, process_at, job_id)',
    'DO 0');
PREPARE alter_job FROM @alter_job;
EXECUTE alter_job;
DEALLOCATE PREPARE alter_job;

SET @alter_archive = IF(
    EXISTS (SELECT 1 FROM information_schema.columns WHERE 'proletarian_archived_job' IN
                (CONCAT(table_schema, '.', table_name), IF(table_schema = DATABASE(), table_name, '')))
    AND NOT EXISTS (SELECT 1 FROM information_schema.columns WHERE column_name = 'result' AND
                'proletarian_archived_job' IN
                (CONCAT(table_schema, '.', table_name), IF(table_schema = DATABASE(), table_name, ''))),
    'ALTER TABLE proletarian_archived_job
        MODIFY queue VARCHAR(256) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        MODIFY job_type VARCHAR(256) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        MODIFY payload LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        MODIFY enqueued_at DATETIME(6) NOT NULL,
        MODIFY process_at DATETIME(6) NOT NULL,
        MODIFY finished_at DATETIME(6) NOT NULL,
        MODIFY status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        ADD COLUMN priority SMALLINT NOT NULL DEFAULT 0,
        ADD COLUMN headers LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
        ADD COLUMN lost SMALLINT NOT NULL DEFAULT 0,
        ADD COLUMN errors LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
        ADD COLUMN unique_key VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
        ADD COLUMN lane VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '''',
        ADD COLUMN flow SMALLINT,
        ADD COLUMN started_at DATETIME(6),
        ADD COLUMN worker VARCHAR(191),
        ADD COLUMN result LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
        ADD KEY archived_job_finished_at (finished_at, status, queue),
        ADD KEY archived_job_status (status, job_id, queue)',
    'DO 0');
PREPARE alter_archive FROM @alter_archive;
EXECUTE alter_archive;
DEALLOCATE PREPARE alter_archive;

CREATE TABLE IF NOT EXISTS proletarian_job (
    job_id      :NEW_ID,
    queue       VARCHAR(191) NOT NULL,
    job_type    VARCHAR(191) NOT NULL,
    payload     LONGTEXT     NOT NULL,
    attempts    INT          NOT NULL DEFAULT 0,
    enqueued_at DATETIME(6)  NOT NULL,
    process_at  DATETIME(6)  NOT NULL,
    priority    SMALLINT     NOT NULL DEFAULT 0,
    headers     LONGTEXT,
    lost        SMALLINT     NOT NULL DEFAULT 0,
    errors      LONGTEXT,
    suspect     SMALLINT     NOT NULL DEFAULT 0,   -- how many workers died while they held it
    unique_key  VARCHAR(255),
    lane        VARCHAR(191) NOT NULL DEFAULT '',  -- the limit that it is under, as `name:key`; '': none
    flow        SMALLINT,  -- 1: others wait for it; 2: it has waited for others; 3: both; null: neither
    retry_at    DATETIME(6),  -- of a job that keeps its place in an ordered lane until it is tried again
    -- In the order of a claim, which reads one priority at a time.
    KEY job_in_order (queue, lane, priority, process_at, job_id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS proletarian_running_job (
    job_id      :ID NOT NULL,
    queue       VARCHAR(191) NOT NULL,
    job_type    VARCHAR(191) NOT NULL,
    payload     LONGTEXT     NOT NULL,
    attempts    INT          NOT NULL,
    enqueued_at DATETIME(6)  NOT NULL,
    process_at  DATETIME(6)  NOT NULL,
    priority    SMALLINT     NOT NULL,
    headers     LONGTEXT,
    lost        SMALLINT     NOT NULL,
    errors      LONGTEXT,
    suspect     SMALLINT     NOT NULL DEFAULT 0,
    unique_key  VARCHAR(255),
    lane        VARCHAR(191) NOT NULL DEFAULT '',
    flow        SMALLINT,
    worker_id   BINARY(16)   NOT NULL,
    run_id      BIGINT       NOT NULL,
    started_at  DATETIME(6)  NOT NULL,
    progress    VARCHAR(191),
    apart       SMALLINT     NOT NULL DEFAULT 0,   -- a suspect's run: 1 beside others, 2 alone in its worker
    PRIMARY KEY (worker_id, run_id),  -- the fence: an outcome counts only if both match
    KEY running_job_lane (lane)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS proletarian_archived_job (
    job_id      :ID NOT NULL PRIMARY KEY,
    queue       VARCHAR(191) NOT NULL,
    job_type    VARCHAR(191) NOT NULL,
    payload     LONGTEXT     NOT NULL,
    attempts    INT          NOT NULL,
    enqueued_at DATETIME(6)  NOT NULL,
    process_at  DATETIME(6)  NOT NULL,
    priority    SMALLINT     NOT NULL DEFAULT 0,
    headers     LONGTEXT,
    lost        SMALLINT     NOT NULL DEFAULT 0,
    errors      LONGTEXT,
    unique_key  VARCHAR(255),
    lane        VARCHAR(191) NOT NULL DEFAULT '',
    flow        SMALLINT,
    status      VARCHAR(16)  NOT NULL,
    started_at  DATETIME(6),
    finished_at DATETIME(6)  NOT NULL,
    worker      VARCHAR(191),
    result      LONGTEXT,
    -- Covers the counts of what ended when: outside the buffer pool, each row would cost a disk read.
    KEY archived_job_finished_at (finished_at, status, queue),
    KEY archived_job_status (status, job_id, queue)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The latest job of each unique key, and whether it is held. Here, unlike on other databases, this cannot be derived
-- from where the job is: under REPEATABLE READ a look at the job is either as old as the application's snapshot, or
-- locks the gap into which everybody inserts new jobs. So claims and acknowledgements write it down. A free key keeps
-- its row: three transactions that want a key without a row deadlock when the first of them rolls back.
CREATE TABLE IF NOT EXISTS proletarian_unique_job (
    unique_key  VARBINARY(255) NOT NULL PRIMARY KEY,
    job_id      :ID            NOT NULL,
    held        TINYINT        NOT NULL,  -- 1: its job waits for its first run; 2: it is unfinished; 0: free
    taken_at    DATETIME(6)    NOT NULL,
    held_until  DATETIME(6)               -- from then on it is free, whatever `held` says
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Jobs that wait for others. `waits` is for how many. If a job was cancelled and is held again, it gets a new `hold`,
-- and what was told to the previous one no longer counts.
CREATE TABLE IF NOT EXISTS proletarian_held_job (
    job_id      :ID NOT NULL PRIMARY KEY,
    queue       VARCHAR(191) NOT NULL,
    job_type    VARCHAR(191) NOT NULL,
    payload     LONGTEXT     NOT NULL,
    attempts    INT          NOT NULL DEFAULT 0,
    enqueued_at DATETIME(6)  NOT NULL,
    process_at  DATETIME(6)  NOT NULL,
    priority    SMALLINT     NOT NULL DEFAULT 0,
    headers     LONGTEXT,
    lost        SMALLINT     NOT NULL DEFAULT 0,
    errors      LONGTEXT,
    unique_key  VARCHAR(255),
    lane        VARCHAR(191) NOT NULL DEFAULT '',
    flow        SMALLINT,
    hold        BIGINT       NOT NULL DEFAULT 0,
    waits       INT          NOT NULL,
    if_failed   VARCHAR(16)  NOT NULL      -- what happens to it if one of those does not succeed: cancel or run
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Which job waits for which, kept as long as the waiting job exists. `outcome`: 1 it succeeded, 2 it did not; null: the
-- waiting job has not been told yet.
CREATE TABLE IF NOT EXISTS proletarian_dependency (
    awaited_id  :ID          NOT NULL,
    waiting_id  :ID          NOT NULL,
    outcome     SMALLINT,
    PRIMARY KEY (awaited_id, waiting_id),
    KEY dependency_waiting (waiting_id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The same for awaited jobs that existed before: their acknowledgement may be under way, and would have to wait for a
-- transaction that is open. So these are checked until the awaited job has ended.
CREATE TABLE IF NOT EXISTS proletarian_late_dependency (
    number      BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    awaited_id  :ID          NOT NULL,
    waiting_id  :ID          NOT NULL,
    hold        BIGINT       NOT NULL,
    outcome     SMALLINT,
    KEY late_dependency_waiting (waiting_id),
    KEY late_dependency_awaited (awaited_id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What waiting jobs were told, until a release counts it: acknowledgements only insert here, and wait for nobody.
CREATE TABLE IF NOT EXISTS proletarian_wait_over (
    number      BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    waiting_id  :ID          NOT NULL,
    hold        BIGINT       NOT NULL,
    done        INT          NOT NULL,
    failed      INT          NOT NULL,
    failed_id   :ID,                        -- one of those that did not succeed
    KEY wait_over_waiting (waiting_id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The results of steps, kept as long as their jobs exist. An id may be given to another job later: a step belongs to
-- the job that was enqueued at this moment.
CREATE TABLE IF NOT EXISTS proletarian_step (
    job_id      :ID          NOT NULL,
    name        VARCHAR(191) NOT NULL,
    enqueued_at DATETIME(6)  NOT NULL,
    result      LONGTEXT     NOT NULL,
    kept_at     DATETIME(6)  NOT NULL,
    PRIMARY KEY (job_id, name)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS proletarian_worker (
    worker_id     BINARY(16)   NOT NULL PRIMARY KEY,
    host          VARCHAR(191) NOT NULL,
    pid           INT          NOT NULL,
    queues        LONGTEXT     NOT NULL,
    job_types     LONGTEXT,  -- the types that it has handlers for, as JSON; null: it cannot list them
    process       VARCHAR(191), -- identifies its process to others on the same machine; null if that is not possible
    limits        LONGTEXT,  -- those that its code declares, as JSON; null: none
    liveness_lock VARCHAR(64), -- the user-level lock that proves that it lives; null: only its heartbeat does
    pump_lock     VARCHAR(64), -- a second one, of another session; when both are free, the process is dead
    lost_after    DOUBLE       NOT NULL,
    started_at    DATETIME(6)  NOT NULL,
    seen_at       DATETIME(6)  NOT NULL
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Orders of people, which workers obey within a second: see orders.sql. Both tables are almost always empty.
CREATE TABLE IF NOT EXISTS proletarian_paused_queue (
    queue         VARCHAR(191) NOT NULL PRIMARY KEY,
    reason        LONGTEXT     NOT NULL,
    paused_by     LONGTEXT     NOT NULL,
    paused_at     DATETIME(6)  NOT NULL
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Running jobs that are to be cancelled. This is a separate table because an application with an open transaction would
-- otherwise hold a lock that the acknowledgement needs.
CREATE TABLE IF NOT EXISTS proletarian_cancel_request (
    job_id        :ID NOT NULL PRIMARY KEY,
    reason        LONGTEXT     NOT NULL,
    requested_by  LONGTEXT     NOT NULL,
    requested_at  DATETIME(6)  NOT NULL
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Jobs that are enqueued again and again. `cron` or `every` (seconds) says when. `options` are the options of the job
-- that have no column, as JSON. `digest` is computed from what the code declares; null if the schedule was made at run
-- time. `next_at` is the first tick that has not been fired yet.
CREATE TABLE IF NOT EXISTS proletarian_schedule (
    app           VARCHAR(191) NOT NULL,
    name          VARCHAR(191) NOT NULL,
    cron          LONGTEXT,
    every         DOUBLE,
    tz            VARCHAR(191) NOT NULL,
    missed        VARCHAR(16)  NOT NULL,
    job_type      VARCHAR(191) NOT NULL,
    queue         VARCHAR(191) NOT NULL,
    payload       LONGTEXT     NOT NULL,
    options       LONGTEXT     NOT NULL,
    digest        VARCHAR(64),
    next_at       DATETIME(6)  NOT NULL,
    last_at       DATETIME(6),
    paused_at     DATETIME(6),
    PRIMARY KEY (app, name),
    KEY schedule_in_order (app, next_at)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Which releases of an application are alive, by the digest of everything they declare.
CREATE TABLE IF NOT EXISTS proletarian_schedule_release (
    app           VARCHAR(191) NOT NULL,
    digest        VARCHAR(64)  NOT NULL,
    born_at       DATETIME(6)  NOT NULL,
    seen_at       DATETIME(6)  NOT NULL,
    PRIMARY KEY (app, digest)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What people did, and when: each entry is written in the transaction of the act itself.
CREATE TABLE IF NOT EXISTS proletarian_audit (
    entry_id      BIGINT       NOT NULL AUTO_INCREMENT PRIMARY KEY,
    done_at       DATETIME(6)  NOT NULL,
    who           LONGTEXT     NOT NULL,
    action        VARCHAR(64)  NOT NULL,
    target        LONGTEXT     NOT NULL,   -- a job id, a filter, the name of a queue or schedule
    detail        LONGTEXT     NOT NULL,
    jobs          INT                      -- how many were changed; null if not counted
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row for each lane with recent claims; see lanes.sql. Running jobs are counted in `running_job`.
CREATE TABLE IF NOT EXISTS proletarian_lane (
    lane          VARCHAR(191) NOT NULL PRIMARY KEY,
    version       BIGINT       NOT NULL DEFAULT 0,  -- grows with each claim
    next_at       DOUBLE       NOT NULL DEFAULT 0   -- for a rate: no start before this (in seconds since 1970)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Limits that people have set at run time, by name; they override those of the code.
CREATE TABLE IF NOT EXISTS proletarian_lane_limit (
    name          VARCHAR(191) NOT NULL PRIMARY KEY,
    running       INT,
    rate          INT,
    seconds       DOUBLE,
    burst         INT,
    set_by        LONGTEXT     NOT NULL,
    set_at        DATETIME(6)  NOT NULL
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
