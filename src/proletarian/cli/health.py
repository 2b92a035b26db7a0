"""`proletarian health`: is this worker alive, is it ready?"""

from __future__ import annotations

import click

from proletarian.cli import exit_codes
from proletarian.cli.failures import Failure, wrong_usage

PATIENCE = 5.0  # seconds


@click.command()
@click.argument("address", envvar="PROLETARIAN_HEALTH", metavar="[HOST:PORT]", required=True)
@click.option("--ready", is_flag=True, help="Ask whether it is ready, not only whether it is alive.")
def health(address: str, ready: bool) -> None:
    """
    Ask a worker on this machine how it is, as a container's probe does.

    The worker runs with `--health HOST:PORT`; PROLETARIAN_HEALTH sets the address for both. Exits with 0 if it is
    alive, or with --ready, if it is ready: the database knows it and answers. Otherwise exits with 1 and says why.
    """
    import urllib.error
    import urllib.request

    host, port = host_and_port(address)
    url = f"http://{host}:{port}/{'ready' if ready else 'live'}"
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            click.echo(answer.read().decode())
    except urllib.error.HTTPError as error:
        click.echo(error.read().decode())
        raise click.exceptions.Exit(exit_codes.FAILED_CHECK) from error
    except OSError as error:
        raise Failure(f"nobody answers at {host}:{port}: {error}", exit_codes.FAILED_CHECK) from error


def host_and_port(address: str) -> tuple[str, int]:
    """
    The two parts of `HOST:PORT`; a port alone means this machine.

    >>> host_and_port("127.0.0.1:8081"), host_and_port("8081")
    (('127.0.0.1', 8081), ('127.0.0.1', 8081))
    """
    host, _, port = address.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise wrong_usage(f"{address!r} is not HOST:PORT, as in 127.0.0.1:8081")
    return host.strip("[]") or "127.0.0.1", int(port)
