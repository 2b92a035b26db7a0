"""
How the documentation is built: `make docs`.

Pages are Markdown (MyST). What the code says itself is taken from it: docstrings by autodoc,
the help of each command by `command-help`, the tables from the migrations.
"""

from __future__ import annotations

from typing import cast

import click
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from proletarian import Queue, __version__
from proletarian.cli import main
from proletarian.migration import migrations

project = "Proletarian"
author = "The Proletarian for Python developers"
copyright = "2026, The Proletarian for Python developers"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3

# Docstrings name things in `single backticks`, as Markdown does.
default_role = "code"
autodoc_member_order = "bysource"
add_module_names = False
python_maximum_signature_line_length = 88

html_extra_path = ["_extra"]  # llms.txt, for readers that are programs
html_theme = "furo"
html_title = f"Proletarian {__version__}"


class CommandHelp(SphinxDirective):
    """The help of a command, `jobs list`, as the command itself prints it; of the program, without an argument."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """The text, in a box."""
        context = click.Context(main, info_name="proletarian", terminal_width=100, max_content_width=100)
        command: click.Command = main
        for name in self.arguments[0].split() if self.arguments else []:
            command = cast(click.Group, command).commands[name]
            context = click.Context(command, info_name=name, parent=context, terminal_width=100, max_content_width=100)
        text = command.get_help(context)
        return [nodes.literal_block(text, text, language="text")]


class TablesOf(SphinxDirective):
    """The migrations for one database, as they are by default."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The SQL, in a box."""
        [database] = self.arguments
        dialect = Queue().dialect(database)
        text = "\n".join(migration.sql.strip() for migration in migrations(dialect))
        language = {"postgresql": "postgresql", "mysql": "mysql"}.get(database, "sql")
        return [nodes.literal_block(text, text, language=language)]


def show_code_as_code(app: Sphinx, what: str, name: str, documented: object, options: object, lines: list[str]) -> None:
    """Docstrings indent their examples by four spaces, as Markdown does; reStructuredText wants `::` before them."""
    for number in range(len(lines) - 1, 0, -1):
        begins = lines[number].startswith("    ") and not lines[number - 1]
        if begins and not any(line.startswith("    ") for line in lines[number - 2 : number - 1]):
            lines[number:number] = ["::", ""]


def setup(app: Sphinx) -> None:
    """Make them known."""
    app.add_directive("command-help", CommandHelp)
    app.add_directive("tables-of", TablesOf)
    app.connect("autodoc-process-docstring", show_code_as_code)
