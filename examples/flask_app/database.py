"""The application's own table and database: an SQLite file, or the one in PROLETARIAN_DATABASE."""

from __future__ import annotations

import os
from pathlib import Path

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import String, make_url
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql"}


class Model(DeclarativeBase):
    """The base class of this application's tables."""


class Subscriber(Model):
    """A reader who wants the newsletter."""

    __tablename__ = "subscriber"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(200))
    asked: Mapped[bool] = mapped_column(default=False)


db = SQLAlchemy(model_class=Model)


def url() -> str:
    """The database's URL for SQLAlchemy."""
    given = make_url(os.environ.get("PROLETARIAN_DATABASE", "sqlite:///examples.db"))
    if given.drivername == "sqlite":
        # Flask-SQLAlchemy would look for a relative path in the instance folder.
        return f"sqlite:///{Path(given.database or '').absolute()}"
    named = given.set(drivername=DRIVERS.get(given.drivername, given.drivername))
    return named.render_as_string(hide_password=False)
