"""
Real, private database servers for tests, benchmarks and fault tests.

    with PostgreSQL(settings=PostgreSQL.UNSYNCED) as server:
        connect(server.create_database("mine"))
"""

from servers.galera import Galera
from servers.mariadb import MariaDB
from servers.mysql import MySQL
from servers.pgbouncer import PgBouncer
from servers.postgres_pair import PostgresPair
from servers.postgresql import PostgreSQL
from servers.server import Server
from servers.unavailable import Unavailable

__all__ = [
    "Galera",
    "MariaDB",
    "MySQL",
    "PgBouncer",
    "PostgreSQL",
    "PostgresPair",
    "Server",
    "Unavailable",
]
