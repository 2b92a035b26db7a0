"""The tables of background jobs."""

from __future__ import annotations

from alembic import op

from proletarian.contrib.alembic import drop_tables, upgrade_tables

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make them, if `proletarian migrate` has not."""
    upgrade_tables(op, to=1)


def downgrade() -> None:
    """Drop them; refused while jobs wait."""
    drop_tables(op)
