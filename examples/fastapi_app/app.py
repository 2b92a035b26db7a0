"""The web pages: `uvicorn examples.fastapi_app.app:app`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from examples.fastapi_app.database import URL, Account, engine
from examples.fastapi_app.jobs import send_welcome, tasks
from proletarian.contrib.starlette import jobs_lifespan
from proletarian.web import Access, Dashboard, Passwords

jobs = jobs_lifespan(URL, tasks, worker="WORKER" in os.environ, queues={"mail": 2})


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Check that the jobs' tables exist, and run a worker if WORKER is set."""
    async with jobs(app):
        yield
    await engine.dispose()


async def open_session() -> AsyncIterator[AsyncSession]:
    """A session for one request, which decides itself where its transaction begins and ends."""
    async with AsyncSession(engine, expire_on_commit=False) as session:
        yield session


Session = Annotated[AsyncSession, Depends(open_session)]
app = FastAPI(lifespan=lifespan)

# The dashboard, for users with the password. An application with its own login uses that instead:
# `access=` is a function of the request.
ops = Passwords({"ann": os.environ.get("OPS_PASSWORD", "only for the example")}, Access.operate)
app.mount("/ops/jobs", ops.around(Dashboard(URL, tasks, access=ops)))


class SignUp(BaseModel):
    """The data that a new user sends."""

    email: str


class Shown(SignUp):
    """The data that everybody can see."""

    id: int
    welcomed: bool


@app.post("/accounts", status_code=201, response_model=Shown)
async def sign_up(new: SignUp, session: Session) -> Account:
    """Create the account and its mail job in one transaction."""
    async with session.begin():
        account = Account(email=new.email)
        session.add(account)
        await session.flush()  # now it has an id
        await send_welcome.aenqueue(session, account_id=account.id)
    return account


@app.post("/regrets")
async def sign_up_and_regret(new: SignUp, session: Session) -> None:
    """The same, but something fails at the end: neither the account nor the mail job exists."""
    async with session.begin():
        account = Account(email=new.email)
        session.add(account)
        await session.flush()
        await send_welcome.aenqueue(session, account_id=account.id)
        raise HTTPException(409, "changed my mind")


@app.get("/accounts", response_model=list[Shown])
async def accounts(session: Session) -> list[Account]:
    """All accounts, and whether their mail was sent."""
    return list(await session.scalars(select(Account).order_by(Account.id)))
