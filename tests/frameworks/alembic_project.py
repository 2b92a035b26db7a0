"""A small Alembic project in a folder: a table of its own, and ours, by revisions that a test writes."""

from __future__ import annotations

import io
from pathlib import Path

from alembic import command
from alembic.config import Config

from tests.databases import PrivateDatabase

DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "sqlite": "sqlite"}

ENV = """
from alembic import context
from sqlalchemy import Column, Integer, MetaData, Table, create_engine
from sqlalchemy.pool import NullPool
from proletarian import Queue, Tables
from proletarian.contrib.alembic import without_our_tables

metadata = MetaData()
Table("account", metadata, Column("id", Integer, primary_key=True))
settings = dict(target_metadata=metadata, {settings})
url = context.config.get_main_option("sqlalchemy.url")
if context.is_offline_mode():
    context.configure(url=url, literal_binds=True, **settings)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(url, poolclass=NullPool).connect() as connection:
        context.configure(connection=connection, **settings)
        with context.begin_transaction():
            context.run_migrations()
"""

ASYNC_ENV = """
import asyncio
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    engine = create_async_engine(context.config.get_main_option("sqlalchemy.url"))
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()

asyncio.run(main())
"""

REVISION = """
from alembic import op
from sqlalchemy import Column, Integer
from proletarian import DatabaseGenerated, Queue, Tables
from proletarian.contrib.alembic import drop_tables, upgrade_tables

revision, down_revision = {number!r}, {before!r}

def upgrade():
    {upgrade}

def downgrade():
    {downgrade}
"""


class Project:
    """The project; its first revision makes the application's own table."""

    def __init__(
        self,
        folder: Path,
        database: PrivateDatabase,
        *,
        env: str = ENV,
        driver: str | None = None,
        settings: str = "include_name=without_our_tables()",
    ) -> None:
        self.folder = folder
        self.output = io.StringIO()
        self.config = Config(stdout=io.StringIO(), output_buffer=self.output)
        url = database.url.replace(f"{database.kind}:", f"{driver or DRIVERS[database.kind]}:", 1)
        self.config.set_main_option("script_location", str(folder))
        self.config.set_main_option("sqlalchemy.url", url)
        (folder / "versions").mkdir(parents=True)
        (folder / "env.py").write_text(env.replace("{settings}", settings))
        self.revisions = 0
        self.add('op.create_table("account", Column("id", Integer, primary_key=True))', 'op.drop_table("account")')

    def add(self, upgrade: str, downgrade: str) -> None:
        """One more revision, after those that are there."""
        number, before = str(self.revisions + 1), str(self.revisions) if self.revisions else None
        text = REVISION.format(number=number, before=before, upgrade=upgrade, downgrade=downgrade)
        (self.folder / "versions" / f"{number}.py").write_text(text)
        self.revisions += 1

    def upgrade(self, to: str = "head") -> None:
        """`alembic upgrade`."""
        command.upgrade(self.config, to)

    def downgrade(self, to: str) -> None:
        """`alembic downgrade`."""
        command.downgrade(self.config, to)

    def check(self) -> None:
        """`alembic check`: raises if autogenerate finds anything to do."""
        command.check(self.config)

    def printed(self, direction: str, revisions: str) -> str:
        """`alembic upgrade --sql`, or downgrade."""
        self.output.truncate(0)
        self.output.seek(0)
        getattr(command, direction)(self.config, revisions, sql=True)
        return self.output.getvalue()
