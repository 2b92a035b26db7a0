"""The examples in docstrings run."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from tests.project.source import modules

EXAMPLES = [name for name, path in modules().items() if ">>>" in path.read_text()]


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_of(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where an example may write its database
    module = importlib.import_module(f"proletarian.{name}".rstrip("."))
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS)

    assert result.attempted
    assert not result.failed
