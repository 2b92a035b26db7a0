-- A job is in exactly one of three tables: waiting in job, being run in running_job,
-- finished in archived_job. Its state is where it is. Timestamps are UTC, to the microsecond.
-- Names compare byte by byte (utf8mb4_bin): `Mail` and `mail` are two queues.

CREATE TABLE IF NOT EXISTS proletarian_job (
    job_id      /*new_job_id*/ BINARY(16) NOT NULL PRIMARY KEY,
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
    -- In the order of a claim, which walks one priority at a time.
    KEY job_in_order (queue, priority, process_at, job_id)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS proletarian_running_job (
    job_id      /*job_id*/ BINARY(16) NOT NULL,
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
    worker_id   BINARY(16)   NOT NULL,
    run_id      BIGINT       NOT NULL,
    started_at  DATETIME(6)  NOT NULL,
    progress    VARCHAR(191),
    PRIMARY KEY (worker_id, run_id)   -- the fence: an outcome counts only under both
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS proletarian_archived_job (
    job_id      /*job_id*/ BINARY(16) NOT NULL PRIMARY KEY,
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
    status      VARCHAR(16)  NOT NULL,
    started_at  DATETIME(6),
    finished_at DATETIME(6)  NOT NULL,
    worker      VARCHAR(191),
    result      LONGTEXT,
    KEY archived_job_finished_at (finished_at),
    KEY archived_job_status (status, queue)
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS proletarian_worker (
    worker_id     BINARY(16)   NOT NULL PRIMARY KEY,
    host          VARCHAR(191) NOT NULL,
    pid           INT          NOT NULL,
    queues        LONGTEXT     NOT NULL,
    liveness_lock VARCHAR(64), -- the user-level lock that proves its life; null: only its heartbeat does
    lost_after    DOUBLE       NOT NULL,
    started_at    DATETIME(6)  NOT NULL,
    seen_at       DATETIME(6)  NOT NULL
) ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
