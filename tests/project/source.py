"""The library's own source, as the tests of this folder read it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import proletarian

ROOT = Path(__file__).parents[2]
PACKAGE = Path(proletarian.__file__).parent


def modules() -> dict[str, Path]:
    """Every module, without the `proletarian.` before it; the package itself is the empty name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(module: str) -> Iterator[str]:
    """The modules of the library that one of them imports, wherever in it and for whatever purpose."""
    known = modules()
    for node in ast.walk(ast.parse(known[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("proletarian.") for alias in node.names if _is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by a relative name; write it out"
            if node.module is not None and _is_ours(node.module):
                package = node.module.removeprefix("proletarian").removeprefix(".")
                for alias in node.names:
                    name = f"{package}.{alias.name}".removeprefix(".")
                    yield name if name in known else package


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == "proletarian"
