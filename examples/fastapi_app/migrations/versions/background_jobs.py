"""The tables of background jobs."""

from __future__ import annotations

from alembic import op

from proletarian.contrib.alembic import drop_tables, upgrade_tables

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create them, unless `proletarian migrate` has done so."""
    upgrade_tables(op, to=1)


def downgrade() -> None:
    """Drop them; this is refused while jobs are waiting."""
    drop_tables(op)
