"""A main program that is imported again under its module name: it has two sets of tasks, each incomplete."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from proletarian.errors import ConfigurationError
from proletarian.tasks import Tasks


def require_one(tasks: Tasks) -> None:
    """
    Refuse the `Tasks` of the running program if another module has imported that program a second time.

    What `python -m shop` runs is the module `__main__`. If a module says `from shop import tasks`, Python reads the
    file again, as `shop`, and adds its tasks to a second `Tasks`, which no worker has.
    """
    main = sys.modules.get("__main__")
    twin = sys.modules.get(name_of(main)) if main is not None else None
    if main is None or twin is None or twin is main:
        return
    for attribute, value in list(vars(main).items()):
        other: Any = vars(twin).get(attribute)
        if value is tasks and other is not tasks and issubclass(type(other), Tasks):
            strangers = sorted(set(other) - set(tasks))
            if strangers:
                raise ConfigurationError(
                    f"this program was imported a second time, as {twin.__name__!r}, so its {attribute} exist "
                    f"twice: the other one has"
                    f" {', '.join(strangers)}, which this worker would not know. Define {attribute} in a separate "
                    f"module that both import"
                )


def name_of(main: ModuleType) -> str:
    """The name under which the running program is imported."""
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name.removesuffix(".__main__"))
    return Path(getattr(main, "__file__", None) or "").stem
