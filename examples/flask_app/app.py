"""The web pages: `flask --app examples.flask_app.app run`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, request
from sqlalchemy import select

from examples.flask_app.database import Subscriber, db, url
from examples.flask_app.jobs import ask_for_consent, jobs

pages = Blueprint("pages", __name__)


def create_app() -> Flask:
    """The application: its settings, its extensions, its pages."""
    app = Flask(__name__)
    app.config.update(SQLALCHEMY_DATABASE_URI=url(), PROLETARIAN_QUEUES={"newsletter": 2})
    db.init_app(app)
    jobs.init_app(app)
    app.register_blueprint(pages)
    with app.app_context():
        db.create_all()
    return app


@pages.post("/subscribers")
def subscribe() -> tuple[dict[str, Any], int]:
    """The subscriber and the mail, in one transaction."""
    subscriber = new_subscriber()
    db.session.commit()
    return shown(subscriber), 201


@pages.post("/regrets")
def subscribe_and_regret() -> tuple[dict[str, Any], int]:
    """The same, but it never comes to the commit: neither the subscriber nor the mail is there."""
    new_subscriber()
    return {"detail": "changed my mind"}, 409


@pages.get("/subscribers")
def subscribers() -> list[dict[str, Any]]:
    """All subscribers, and whether their mail went out."""
    return [shown(subscriber) for subscriber in db.session.scalars(select(Subscriber).order_by(Subscriber.id))]


def new_subscriber() -> Subscriber:
    """A subscriber and the job of the mail, in the session's transaction."""
    subscriber = Subscriber(email=request.get_json()["email"])
    db.session.add(subscriber)
    db.session.flush()  # now it has an id
    ask_for_consent.enqueue(db.session, subscriber_id=subscriber.id)
    return subscriber


def shown(subscriber: Subscriber) -> dict[str, Any]:
    """What everybody sees of a subscriber."""
    return {"id": subscriber.id, "email": subscriber.email, "asked": subscriber.asked}
