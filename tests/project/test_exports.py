"""What is public: documented, and imported only when it is used."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys

import pytest

import proletarian
from tests.project.source import PACKAGE, ROOT, modules

LIBRARIES = (
    "psycopg", "psycopg2", "asyncpg", "pymysql", "MySQLdb", "mysql", "mariadb", "asyncmy", "aiomysql", "aiosqlite",
    "sqlalchemy", "sqlmodel", "django", "peewee", "tortoise", "pydantic", "attrs", "rich", "aiosmtpd", "cryptography",
    "starlette", "jinja2", "uvicorn", "anyio",
)  # fmt: skip
PUBLIC = [name for name in proletarian.__all__ if name != "__version__"]


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_documented(name: str) -> None:
    assert inspect.getdoc(getattr(proletarian, name)), f"{name} has no docstring"
    docs = "\n".join(page.read_text() for page in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
    assert re.search(rf"\b{name}\b", docs), f"no page of the documentation names {name}"


@pytest.mark.parametrize("name", PUBLIC)
def test_the_public_methods_of_a_public_class_are_documented(name: str) -> None:
    value = getattr(proletarian, name)
    if not inspect.isclass(value):
        return
    methods = {key: member for key, member in vars(value).items() if inspect.isfunction(member) and key[0] != "_"}

    assert [key for key, member in methods.items() if not inspect.getdoc(member)] == []


def test_the_three_lists_of_public_names_agree() -> None:
    imported = {
        (node.module, alias.asname or alias.name)
        for branch in ast.parse((PACKAGE / "__init__.py").read_text()).body
        if isinstance(branch, ast.If)
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    homes = {(f"proletarian.{home}", name) for home, names in proletarian._HOMES.items() for name in names}

    assert homes == imported
    assert sorted(name for _, name in homes) == sorted(PUBLIC)
    assert len(set(proletarian.__all__)) == len(proletarian.__all__)
    assert dir(proletarian) == sorted(proletarian.__all__)


def test_a_name_that_is_not_there_raises_as_usual() -> None:
    with pytest.raises(AttributeError, match="module 'proletarian' has no attribute 'nothing'"):
        _ = proletarian.nothing
    with pytest.raises(ImportError):
        exec("from proletarian import nothing")  # as code that is written so


@pytest.mark.parametrize("module", [module for module, path in modules().items() if path.stat().st_size])
def test_every_module_says_what_it_is_for(module: str) -> None:
    assert ast.get_docstring(ast.parse(modules()[module].read_text())), f"{module} has no docstring"


def test_no_library_is_imported_before_it_is_needed() -> None:
    program = (
        "import importlib, sys\n"
        f"for name in {[name for name in modules() if not name.endswith('__main__')]!r}:\n"
        "    if not name.startswith(('contrib', 'testing', 'demo', 'web')):\n"
        "        importlib.import_module(f'proletarian.{name}'.rstrip('.'))\n"
        f"print(*sorted(set({LIBRARIES!r}) & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == []


def test_importing_the_package_alone_imports_none_of_its_parts() -> None:
    program = "import sys, proletarian; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert [name for name in done.stdout.split() if "proletarian." in name or name == "msgspec"] == []


def test_the_errors_are_one_tree_and_it_is_drawn() -> None:
    errors = importlib.import_module("proletarian.errors")
    classes = [value for value in vars(errors).values() if inspect.isclass(value)]

    assert all(issubclass(value, proletarian.ProletarianError) for value in classes)
    assert errors.__doc__
    assert [value.__name__ for value in classes if value.__name__ not in errors.__doc__] == []
