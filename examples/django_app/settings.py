"""The settings of the example."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

DEBUG = True
SECRET_KEY = "only for the example"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "testserver"]
ROOT_URLCONF = "shop.urls"
STATIC_URL = "static/"
LOGIN_URL = "/admin/login/"
USE_TZ = True

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.admin",
    "django.contrib.staticfiles",
    "proletarian.contrib.django",
    "shop",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def database(url: str) -> dict[str, object]:
    """A database URL as Django's settings for it."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        # IMMEDIATE: a web process and a worker write to one file, and must wait for each other.
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": parts.path.removeprefix("/"),
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
            "TEST": {"NAME": parts.path.removeprefix("/") + ".test"},
        }
    return {
        "ENGINE": f"django.db.backends.{parts.scheme}",
        "NAME": parts.path.lstrip("/"),
        "USER": parts.username,
        "PASSWORD": parts.password,
        "HOST": parts.hostname,
        "PORT": parts.port,
    }


DATABASES = {"default": database(os.environ.get("DATABASE", "sqlite:///shop.db"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"proletarian.worker": {"handlers": ["console"], "level": "INFO"}},
}

PROLETARIAN = {"TASKS": "shop.jobs.tasks", "QUEUES": {"default": 4, "mail": 2}}
TASKS = {"default": {"BACKEND": "proletarian.contrib.django.TaskBackend", "QUEUES": ["default", "mail"]}}
