"""`proletarian web`: a dashboard in the browser."""

from __future__ import annotations

import click

from proletarian.cli.context import Context, in_context
from proletarian.cli.durations import duration


@click.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    envvar="PROLETARIAN_WEB_HOST",
    show_envvar=True,
    help="The address to listen on. An address that others can reach needs --auth.",
)
@click.option(
    "--port",
    default=7070,
    show_default=True,
    type=click.IntRange(0, 65535),
    envvar="PROLETARIAN_WEB_PORT",
    show_envvar=True,
    help="The port; 0 takes a free one.",
)
@click.option(
    "--auth",
    "auth",
    multiple=True,
    metavar="NAME:PASSWORD",
    envvar="PROLETARIAN_WEB_AUTH",
    show_envvar=True,
    help="Require this name and password; repeatable. Other users of this machine can read the command line, so "
    "better set the variable.",
)
@click.option(
    "--insecure-no-auth",
    "insecure",
    is_flag=True,
    help="Let in everybody who can reach the address; for use behind a proxy that authenticates users.",
)
@click.option(
    "--access",
    type=click.Choice(["read", "operate", "admin"]),
    default="admin",
    show_default=True,
    envvar="PROLETARIAN_WEB_ACCESS",
    show_envvar=True,
    help="What users may do. read: look; operate: also cancel, retry and pause; admin: also delete.",
)
@click.option(
    "--trusted-origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="The origin of a proxy that uses another host name, as in https://ops.example.com.",
)
@click.option(
    "--statement-timeout",
    "at_most",
    type=duration,
    default="5s",
    show_default=True,
    help="The time limit for each statement.",
)
@in_context
def web(
    context: Context,
    host: str,
    port: int,
    auth: tuple[str, ...],
    insecure: bool,
    access: str,
    origins: tuple[str, ...],
    at_most: float,
) -> None:
    """
    Show a dashboard in the browser.

    On a local address it prints a link that lets one browser in. On an address that others can reach it
    refuses to start without --auth or --insecure-no-auth. With --app it shows the schedules of that application, and
    reads payloads as the application does.
    """
    from proletarian.web import Access
    from proletarian.web.serving import passwords_of, serve

    serve(
        context.database,
        context.tasks or context.queue,
        host=host,
        port=port,
        passwords=passwords_of(auth),
        insecure=insecure,
        access=Access[access],
        trusted_origins=origins,
        at_most=at_most,
        say=lambda line: click.echo(line, err=False),
    )
