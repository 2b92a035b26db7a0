"""What happens in the background: a mail for each new account."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from examples.fastapi_app.database import Account, engine
from proletarian import Job, Retry, Tasks

tasks = Tasks(retry=Retry(retries=3, delays=[1, 10]))


@tasks.task(queue="mail")
async def send_welcome(job: Job, account_id: int) -> None:
    """Send a mail (here: print it), and record in the account that it was sent."""
    async with AsyncSession(engine) as session, session.begin():
        account = await session.get_one(Account, account_id)
        print(f"mail: welcome, {account.email}", flush=True)
        account.welcomed = True
        await job.acomplete(session)  # the record and the end of the job are one transaction
