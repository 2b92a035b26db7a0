"""An application whose pages and jobs share one engine: `uvicorn tests.frameworks.one_engine_app:app`."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from proletarian import Job, Tasks, Worker
from proletarian.contrib.starlette import jobs_lifespan

URL = os.environ["URL"]
# SQLite's own patience with other writers is 5 s, and they do not queue up: too little on a busy machine.
engine = create_async_engine(URL, connect_args={"timeout": 60} if URL.startswith("sqlite") else {})
tasks = Tasks()


class Model(DeclarativeBase):
    """What the tables have in common."""


class Account(Model):
    """Somebody who has signed up."""

    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    welcomed: Mapped[int] = mapped_column(default=0)


@tasks.task
async def welcome(job: Job, account_id: int) -> None:
    """Uses the engine of the pages."""
    assert threading.current_thread() is threading.main_thread()
    assert job.state["loop"] is asyncio.get_running_loop()
    async with AsyncSession(engine) as session, session.begin():
        account = await session.get_one(Account, account_id)
        await asyncio.sleep(0.02)
        account.welcomed += 1
        await job.acomplete(session)


@tasks.task
def blocking() -> None:
    """A plain function has a thread, as ever."""
    assert threading.current_thread() is not threading.main_thread()


@asynccontextmanager
async def shared(worker: Worker) -> AsyncIterator[Mapping[str, Any]]:
    """What the handlers share is made on the loop that they run on."""
    yield {"loop": asyncio.get_running_loop()}


jobs = jobs_lifespan(engine, tasks, migrate=True, worker=True, lifespan=shared)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Make the table of accounts, then run jobs."""
    async with engine.begin() as connection:
        await connection.run_sync(Model.metadata.create_all)
    async with jobs(app):
        yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


@app.post("/accounts/{account_id}", status_code=201)
async def sign_up(account_id: int) -> None:
    """The account and its jobs, in one transaction."""
    async with AsyncSession(engine) as session, session.begin():
        session.add(Account(id=account_id))
        await welcome.aenqueue(session, account_id=account_id)
        await blocking.aenqueue(session)
