"""Verbs of moving: pull, push, serve, token."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import Annotated

import typer

from sosie.cli import app, comma_list, studio
from sosie.core.errors import BadInput
from sosie.core.terms import SCOPES

Secret = Annotated[
    str | None,
    typer.Option(envvar="SOSIE_TOKEN", show_envvar=True, help="A token of the other workspace."),
]


@app.command()
def pull(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="https://HOST:PORT, or a folder.")
    ],
    title: Annotated[str, typer.Argument(metavar="NAME@VERSION", help="A release there.")],
    token: Secret = None,
    key: Annotated[
        str | None, typer.Option(help="Fingerprint of the key that must have signed it.")
    ] = None,
) -> None:
    """Fetch a release from another workspace, or from a folder it was pushed to.

    Permission is asked for there and here, every signature and hash is checked, and nothing is on
    file before all of it is. Interrupted, it goes on where it ended.
    """
    shelved = studio(context).pull(
        source, title, token=token, key=key, say=lambda line: typer.echo(line, err=True)
    )
    title = shelved.release.title
    typer.echo(f"On the shelf: {title}, of {shelved.subject}. Use it as <lora:{title}:1>.")


@app.command()
def push(
    context: typer.Context,
    title: Annotated[str, typer.Argument(metavar="NAME@VERSION", help="A release on the shelf.")],
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="A folder, or https://HOST:PORT.")
    ],
    token: Secret = None,
) -> None:
    """Bring a release to another workspace, or into a folder for it to pull from.

    The permissions behind it travel with it, with the names in them: the other workspace could not
    honour what it cannot read.
    """
    typer.echo(studio(context).push(title, target, token=token))


@app.command()
def serve(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8642,
    host: Annotated[
        str, typer.Option(help="Address to listen at; any other than this needs a TLS proxy.")
    ] = "127.0.0.1",
    owner: Annotated[str, typer.Option(help="First half of OWNER/NAME in diffusers.")] = "me",
    name: Annotated[
        list[str] | None, typer.Option(help="A name it is reached by; may be given several times.")
    ] = None,
    open_to_all: Annotated[
        bool, typer.Option("--open", help="Listing and downloading need no token; loopback only.")
    ] = False,
    proxied: Annotated[
        bool, typer.Option("--proxied", help="A TLS proxy on this machine passes requests on.")
    ] = False,
    per_minute: Annotated[
        int, typer.Option(min=1, help="Requests a minute, for each token.")
    ] = 600,
) -> None:
    """Offer the releases on the shelf to diffusers, scripts and other workspaces.

    Every request asks for permission anew, so that a withdrawal takes effect at once.
    """
    loopback = host in ("127.0.0.1", "::1", "localhost")
    if open_to_all and (proxied or not loopback):
        raise BadInput(
            "--open lets everybody in, so it is for this machine alone.",
            advice="Make tokens instead: sosie token NAME",
        )
    try:
        # The other front door, opened by its name: neither knows the other.
        door = import_module("sosie.web.serve")
    except ModuleNotFoundError as error:
        raise BadInput(
            f"To serve, {error.name} is needed.", advice='pip install "sosie[web]"'
        ) from error
    house = studio(context)
    if not open_to_all and not house.tokens():
        typer.echo("Nobody can ask yet: make a token with sosie token NAME.", err=True)
    typer.echo(f"Serving http://{host}:{port}; Ctrl-C ends it.")
    settings = {
        "owner": owner,
        "open_to_all": open_to_all,
        "per_minute": per_minute,
        "names": tuple(name or ()) if loopback else (host, *(name or ())),
    }
    door.serve(house, settings, host=host, port=port, proxied=proxied)


@app.command()
def token(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="For whom or for what it is. [default: list all]"),
    ] = None,
    scopes: Annotated[
        str, typer.Option(help=f"What it opens, of: {', '.join(SCOPES)}.")
    ] = "list,download",
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Last day it opens anything.")
    ] = None,
    revoke: Annotated[bool, typer.Option("--revoke", help="End it, at once.")] = False,
) -> None:
    """Make a token for `sosie serve`, end one, or list them.

    It is shown once: only its hash is kept.
    """
    house = studio(context)
    if name is None:
        from sosie.cli import tables

        tables.tokens(house.tokens())
    elif revoke:
        house.revoke_token(name)
        typer.echo(f"{name} opens nothing any more.")
    else:
        chosen = comma_list(scopes, SCOPES, "scope")
        if not chosen:
            raise BadInput("A token that opens nothing is of no use.")
        _, secret = house.make_token(name, chosen, until.date() if until else None)
        typer.echo(secret)
