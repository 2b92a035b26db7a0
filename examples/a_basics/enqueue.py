"""An application that enqueues jobs: `python -m examples.a_basics.enqueue MESSAGE`."""

from __future__ import annotations

import sys
from contextlib import closing

from examples.a_basics.echo import echo
from examples.database import connect


def main(message: str) -> None:
    """Enqueue one job that is committed, one that is rolled back, and one for later."""
    with closing(connect()) as connection:
        job_id = echo.enqueue(connection, message)
        connection.commit()  # now it exists, and a worker may take it
        print(f"enqueued {job_id}")

        echo.enqueue(connection, "you will never see this")
        connection.rollback()  # the job is gone, with everything else in this transaction
        print("rolled one back")

        echo.using(process_in=2).enqueue(connection, f"{message}, two seconds later", times=2)
        connection.commit()
        print("enqueued one for later")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "hello")
