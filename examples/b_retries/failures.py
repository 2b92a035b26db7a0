"""Why did it fail? Every failure is in the job's row: `python -m examples.b_retries.failures`."""

from __future__ import annotations

import json
from contextlib import closing

from examples.database import URL, connect
from proletarian import Tables

if __name__ == "__main__":
    archive = Tables().name("archived_job", URL.partition(":")[0])
    with closing(connect()) as connection:
        cursor = connection.cursor()
        cursor.execute(
            f"SELECT payload, status, attempts, errors FROM {archive} "
            "WHERE job_type = 'place_order' ORDER BY attempts, payload"
        )
        for payload, status, attempts, errors in cursor.fetchall():
            print(f"{payload} {status} after {attempts} attempts")
            for failure in json.loads(errors or "[]"):
                print(f"    attempt {failure['attempt']}: {failure['type']}: {failure['message']}")
