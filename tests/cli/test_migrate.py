"""`proletarian migrate` and `proletarian roles`."""

from __future__ import annotations

import pytest

from tests.cli.terminal import Terminal
from tests.conftest import DatabaseOf
from tests.databases import PRODUCTS


@pytest.fixture
def shell(inner_shell: Terminal) -> Terminal:
    """A terminal that starts no process for what does not depend on one."""
    return inner_shell


@pytest.mark.parametrize("product", PRODUCTS)
def test_it_makes_the_tables_once_and_says_so(product: str, new_database: DatabaseOf, shell: Terminal) -> None:
    url = new_database(product).url

    behind = shell.run(f"proletarian migrate --check {url}")
    first = shell.run(f"proletarian migrate {url}")
    second = shell.run(f"proletarian migrate {url}")
    check = shell.run(f"proletarian migrate --check {url}")

    assert (behind.code, behind.out) == (1, "")
    assert "behind this release by 0001 tables; run `proletarian migrate" in behind.err
    assert (first.code, first.out.splitlines()[0], first.err) == (0, "applied 0001 tables", "")
    assert (second.code, second.out) == (0, "nothing to apply: the tables are up to date\n")
    assert (check.code, check.out) == (0, "the tables are up to date\n")


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_printed_sql_makes_the_same_tables(product: str, new_database: DatabaseOf, shell: Terminal) -> None:
    database = new_database(product)
    printed = shell.run(f"proletarian migrate --sql {database.kind}").out

    statements = [statement for statement in f"{printed}\n".split(";\n") if statement.strip()]
    with database.connection() as connection:
        for statement in statements:
            connection.cursor().execute(statement)
        connection.commit()

    assert shell.run(f"proletarian migrate --check {database.url}").code == 0
    assert shell.run(f"proletarian enqueue greet --database {database.url}").code == 0


@pytest.mark.parametrize("name", ["postgresql", "mysql", "sqlite", "mariadb", "mysql://nobody@nowhere.invalid/x"])
def test_printing_sql_needs_no_database(name: str, shell: Terminal) -> None:
    said = shell.run(f"proletarian migrate --sql {name}")

    assert (said.code, said.err) == (0, "")
    assert "CREATE TABLE" in said.out


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize(("kind", "looks"), [("bigint", "1"), ("text", None)])
def test_job_ids_of_another_kind(
    product: str, kind: str, looks: str | None, new_database: DatabaseOf, shell: Terminal
) -> None:
    url = new_database(product).url
    shell.run(f"proletarian migrate {url} --job-ids {kind}")

    said = shell.run(f"proletarian enqueue greet --database {url}", PROLETARIAN_JOB_IDS=kind)

    assert said.code == 0, said.err
    assert looks is None or said.out == f"{looks}\n"


def test_tables_under_another_prefix(new_database: DatabaseOf, shell: Terminal) -> None:
    database = new_database("sqlite")

    assert shell.run(f"proletarian migrate {database.url} --prefix shop_").code == 0
    assert shell.run(f"proletarian enqueue greet --database {database.url} --prefix shop_").code == 0
    assert database.rows("SELECT count(*) FROM shop_job") == [(1,)]


def test_the_database_may_come_from_the_environment(new_database: DatabaseOf, shell: Terminal) -> None:
    url = new_database("sqlite").url

    assert shell.run("proletarian migrate", PROLETARIAN_DATABASE=url).out.splitlines()[0] == "applied 0001 tables"


def test_printing_and_checking_at_once_is_refused(shell: Terminal) -> None:
    assert shell.run("proletarian migrate --sql --check sqlite:///x.db").code == 2


def test_an_unknown_database_is_refused_by_name(shell: Terminal) -> None:
    said = shell.run("proletarian migrate --sql oracle")

    assert said.code == 2
    assert "'oracle' is not a database: name one of postgresql, mysql, sqlite" in said.err


@pytest.mark.parametrize("database", ["postgresql", "mysql"])
def test_roles_are_printed_for_workers_and_applications(database: str, shell: Terminal) -> None:
    said = shell.run(f"proletarian roles {database} --worker shop_worker --enqueue shop_web --enqueue shop_cron")

    assert said.code == 0
    for role in ("shop_worker", "shop_web", "shop_cron"):
        assert f"TO {role};" in said.out
    assert "proletarian_role" not in said.out


def test_roles_need_a_name_and_a_server(shell: Terminal) -> None:
    assert shell.run("proletarian roles postgresql").code == 2
    assert "SQLite has no roles" in shell.run("proletarian roles sqlite --worker shop").err
    assert shell.run("proletarian roles postgresql --worker 'shop; DROP TABLE x'").code == 2
