"""What `proletarian.testing` exports: documented, and imported only when it is used."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import proletarian.testing

ROOT = Path(__file__).parents[2]
PUBLIC = proletarian.testing.__all__


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_documented(name: str) -> None:
    value = getattr(proletarian.testing, name)
    methods = {key: member for key, member in vars(value).items() if inspect.isfunction(member) and key[0] != "_"}

    assert inspect.getdoc(value)
    assert [key for key, member in methods.items() if not inspect.getdoc(member)] == []
    assert f"proletarian.testing.{name}" in (ROOT / "docs/reference/api.md").read_text()


def test_the_lists_of_public_names_agree() -> None:
    homes = [name for names in proletarian.testing._HOMES.values() for name in names]

    assert sorted(homes) == sorted(PUBLIC) == dir(proletarian.testing)
    with pytest.raises(AttributeError, match=r"module 'proletarian\.testing' has no attribute 'nothing'"):
        _ = proletarian.testing.nothing


def test_importing_the_package_imports_nothing_else() -> None:
    program = "import sys, proletarian.testing; print(*(name for name in sys.modules if 'proletarian' in name))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["proletarian", "proletarian.testing"]
