"""The same names from `django.tasks` of Django 6 or from its backport `django-tasks` for Django 5.2."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.core.exceptions import ImproperlyConfigured

if find_spec("django.tasks") is not None:
    PACKAGE, JSON = "django.tasks", "django.utils.json"
elif find_spec("django_tasks") is not None:
    PACKAGE, JSON = "django_tasks", "django_tasks.utils"
else:
    raise ImproperlyConfigured("there is no django.tasks: use Django 6, or `pip install django-tasks` with Django 5.2")

BaseTaskBackend: Any = import_module(f"{PACKAGE}.backends.base").BaseTaskBackend
base: Any = import_module(f"{PACKAGE}.base")
exceptions: Any = import_module(f"{PACKAGE}.exceptions")
InvalidTask: Any = getattr(exceptions, "InvalidTask", None) or exceptions.InvalidTaskError
signals: Any = import_module(f"{PACKAGE}.signals")
task_backends: Any = import_module(PACKAGE).task_backends
normalize_json: Any = import_module(JSON).normalize_json
