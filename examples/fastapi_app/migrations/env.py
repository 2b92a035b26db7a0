"""How Alembic connects: `alembic -c examples/fastapi_app/alembic.ini upgrade head`."""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection

from examples.fastapi_app.database import URL, Model, engine
from proletarian.contrib.alembic import without_our_tables


def migrate(connection: Connection) -> None:
    """Run the revisions on a connection."""
    context.configure(connection=connection, target_metadata=Model.metadata, include_name=without_our_tables())
    with context.begin_transaction():
        context.run_migrations()


async def connect_and_migrate() -> None:
    """The same on the application's own engine."""
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


if context.is_offline_mode():
    context.configure(url=URL, target_metadata=Model.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(connect_and_migrate())
