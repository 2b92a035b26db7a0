"""The web pages: `flask --app examples.flask_app.app run`."""

from __future__ import annotations

import os
from hmac import compare_digest
from typing import Any

from flask import Blueprint, Flask, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from examples.flask_app.database import Subscriber, db, url
from examples.flask_app.jobs import ask_for_consent, jobs, tasks
from proletarian.contrib.flask_dashboard import dashboard
from proletarian.web import Access

pages = Blueprint("pages", __name__)
ops = dashboard(tasks, access=lambda: Access.operate.by(session["user"]), name="ops")


@ops.before_request
def require_login() -> ResponseReturnValue | None:
    """The dashboard is for logged-in users."""
    return None if "user" in session else redirect(url_for("pages.log_in"))


def create_app() -> Flask:
    """Create the application with its settings, extensions and pages."""
    app = Flask(__name__)
    app.config.update(SQLALCHEMY_DATABASE_URI=url(), PROLETARIAN_QUEUES={"newsletter": 2})
    app.secret_key = os.environ.get("SECRET_KEY", "only for the example")
    db.init_app(app)
    jobs.init_app(app)
    app.register_blueprint(pages)
    app.register_blueprint(ops, url_prefix="/ops/jobs")
    with app.app_context():
        db.create_all()
    return app


@pages.post("/subscribers")
def subscribe() -> tuple[dict[str, Any], int]:
    """Create the subscriber and the mail job in one transaction."""
    subscriber = new_subscriber()
    db.session.commit()
    return shown(subscriber), 201


@pages.post("/regrets")
def subscribe_and_regret() -> tuple[dict[str, Any], int]:
    """The same, but it never reaches the commit: neither the subscriber nor the mail job exists."""
    new_subscriber()
    return {"detail": "changed my mind"}, 409


@pages.get("/subscribers")
def subscribers() -> list[dict[str, Any]]:
    """All subscribers, and whether their mail was sent."""
    return [shown(subscriber) for subscriber in db.session.scalars(select(Subscriber).order_by(Subscriber.id))]


@pages.route("/login", methods=["GET", "POST"])
def log_in() -> ResponseReturnValue:
    """Log in with a name and a password; a real application needs more than this."""
    expected = os.environ.get("OPS_PASSWORD", "only for the example")
    if request.method == "POST" and compare_digest(request.form.get("password", ""), expected):
        session["user"] = request.form["name"]
        return redirect("/ops/jobs/")
    return (
        "<form method=post><label>Name <input name=name></label> "
        "<label>Password <input name=password type=password></label> <button>Log in</button></form>"
    )


def new_subscriber() -> Subscriber:
    """Add a subscriber and the mail job in the session's transaction."""
    subscriber = Subscriber(email=request.get_json()["email"])
    db.session.add(subscriber)
    db.session.flush()  # now it has an id
    ask_for_consent.enqueue(db.session, subscriber_id=subscriber.id)
    return subscriber


def shown(subscriber: Subscriber) -> dict[str, Any]:
    """The data of a subscriber that everybody can see."""
    return {"id": subscriber.id, "email": subscriber.email, "asked": subscriber.asked}
