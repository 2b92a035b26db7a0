"""Finds the application that a worker runs, by `module:attribute`, or says clearly what is missing."""

from __future__ import annotations

import difflib
import importlib
import os
import pkgutil
import sys
import traceback
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from proletarian.cli.failures import Failure, wrong_usage

DEFAULT_ATTRIBUTE = "tasks"


def load(name: str, folder: str) -> Any:
    """
    The `Tasks`, the `Worker`, or the handler that `module:attribute` names.

    `folder` goes first on the import path. Raises a `Failure` that says which part of the name is wrong, and which
    names exist instead.
    """
    module_name, _, attribute = name.partition(":")
    if module_name.endswith(".py") or os.sep in module_name:
        as_module = module_name.removesuffix(".py").strip(f".{os.sep}").replace(os.sep, ".")
        raise wrong_usage(f"{module_name!r} is a file; name the module, as Python imports it: {as_module}")
    sys.path.insert(0, os.path.abspath(folder))
    module = import_part_by_part(module_name, folder)
    found = attribute_of(module, attribute or DEFAULT_ATTRIBUTE)
    return checked(found, f"{module_name}:{attribute or DEFAULT_ATTRIBUTE}")


def import_part_by_part(name: str, folder: str) -> ModuleType:
    """Import `a`, then `a.b`, then `a.b.c`, so that the missing part can be named."""
    module: ModuleType | None = None
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        raise wrong_usage(
            f"{name!r} is not a module name; an application is named as module:attribute, shop.jobs:tasks"
        )
    for number in range(1, len(parts) + 1):
        wanted = ".".join(parts[:number])
        try:
            module = importlib.import_module(wanted)
        except ModuleNotFoundError as error:
            if error.name != wanted:
                raise broken(wanted, error) from error
            raise missing_part(wanted, module, folder) from None
        except Exception as error:
            raise broken(wanted, error) from error
        except SystemExit as error:
            raise wrong_usage(f"importing {wanted!r} ended the program (SystemExit: {error.code})") from error
    assert module is not None  # noqa: S101 (there is at least one part)
    return module


def missing_part(wanted: str, parent: ModuleType | None, folder: str) -> Failure:
    """Report a part of the module's name that does not exist."""
    last = wanted.rpartition(".")[2]
    if parent is None:
        where = f"no module {wanted!r} in {os.path.abspath(folder)} (--app-dir) or among the installed packages"
        return wrong_usage(where + similar(last, modules_in([os.path.abspath(folder)])))
    if not hasattr(parent, "__path__"):
        return wrong_usage(
            f"no module {wanted!r}: {parent.__name__!r} is a module, not a package; "
            f"did you mean {parent.__name__}:{last}?"
        )
    return wrong_usage(f"no module {wanted!r}: package {parent.__name__!r} has no {last!r}"
                     + similar(last, modules_in(parent.__path__)))  # fmt: skip


def modules_in(folders: Iterable[str]) -> list[str]:
    """The modules in these folders."""
    return [module.name for module in pkgutil.iter_modules(list(folders))]


def similar(name: str, known: Iterable[str]) -> str:
    """A suggestion of what was meant."""
    close = difflib.get_close_matches(name, known, n=3)
    return f"; did you mean {' or '.join(close)}?" if close else ""


def broken(name: str, error: Exception) -> Failure:
    """Report a module that exists but raised when it was imported, with its own lines and not the import system's."""
    ours = (__file__, importlib.__file__)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename not in ours and not frame.filename.startswith("<frozen")
    ]
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    if isinstance(error, SyntaxError):
        where = f" ({error.filename}, line {error.lineno})"
        said = error.msg
    else:
        said = str(error)
        sys.stderr.writelines(traceback.format_list(frames))
    return wrong_usage(f"importing {name!r} failed: {type(error).__name__}: {said}{where}")


def attribute_of(module: ModuleType, name: str) -> Any:
    """The attribute with this name, which may be dotted: `a.b`."""
    found: Any = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise wrong_usage(f"module {module.__name__!r} has no attribute {name!r}" + instead(name, module)) from None
    return found


def instead(name: str, module: ModuleType) -> str:
    """Which attributes of a module could be meant instead."""
    from proletarian.tasks import Tasks

    # By the type itself: isinstance would make a lazy object of the application load what it stands for.
    found = [f"{module.__name__}:{known}" for known, value in vars(module).items() if issubclass(type(value), Tasks)]
    return f"; did you mean {' or '.join(found)}?" if found else similar(name, vars(module))


def checked(found: Any, name: str) -> Any:
    """The attribute, if a worker can run it."""
    from proletarian.task import Task

    if isinstance(found, Task):
        raise wrong_usage(f"{name} is a single task; name the Tasks that it belongs to")
    from proletarian.worker import Worker

    if isinstance(found, (type, ModuleType)) or not (callable(found) or isinstance(found, Worker)):
        raise wrong_usage(f"{name} is {found!r}; name a Tasks, a Worker, or a function of one argument, the job")
    return found
