"""The command line: `vdesc review`, its server and its accounts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.core import TyperGroup

from data.errors import UserError
from data.messages import tr
from pipeline.commands.terminal import LangOption, chosen_from

if TYPE_CHECKING:
    from pipeline.review.accounts import Accounts, Role
    from pipeline.review.desk import Desk

PORT = 8765
LOOPBACK = ("127.0.0.1", "::1", "localhost")
SHORTEST_TOKEN = 16
"""Characters of a token: 64 bits as hexadecimal digits."""


class _OpensByDefault(TyperGroup):
    """`vdesc review OUT` is `vdesc review open OUT`; a folder that is called like a command is written ./users."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help"):
            args = ["open", *args]
        return super().parse_args(ctx, args)


review_app = typer.Typer(
    cls=_OpensByDefault, no_args_is_help=True, help="Review the narration in the browser: vdesc review OUT."
)
users_app = typer.Typer(no_args_is_help=True, help="Who may sign in: viewer, reviewer or lead.")
review_app.add_typer(users_app, name="users")

Folder = Annotated[Path, typer.Argument(help="A results folder, or the folder that holds several.")]
Out = Annotated[Path, typer.Option("--out", help="The folder that is reviewed.")]
Url = Annotated[str | None, typer.Option(help="Database of a studio, e.g. postgresql+psycopg://host/reviews.")]


@review_app.command("open")
def open_page(
    folder: Folder,
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine need accounts.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any free one.")] = PORT,
    name: Annotated[list[str] | None, typer.Option(help="Host name people reach it by; may be given again.")] = None,
    token: Annotated[
        str | None, typer.Option(envvar="VDESC_REVIEW_TOKEN", help="A secret that stands in for accounts.")
    ] = None,
    url: Url = None,
    browser: Annotated[bool, typer.Option("--open/--no-open", help="Show the page in the browser.")] = True,
    publish: Annotated[Path | None, typer.Option(help="Write a page for viewers into this folder instead.")] = None,
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """Serve the review page until Ctrl-C."""
    if publish:
        from pipeline.review.publish import publish as write

        typer.echo(str(write(folder, publish)))
        return
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise UserError("The token is too short; take {number} characters or more", number=SHORTEST_TOKEN)
    from pipeline.review.serving import serve

    serve(_desk(folder, host, url, token), host, port, name or [], browser=browser)


def _desk(folder: Path, host: str, url: str | None, token: str | None) -> Desk:
    """What is served, and to whom: on this machine to its user; else to accounts or who has the token."""
    from getpass import getuser

    from pipeline.review.accounts import Accounts, Person
    from pipeline.review.desk import Desk
    from pipeline.review.folders import database, with_levels

    if not with_levels(folder):
        raise UserError("{folder} holds no described episode; run vdesc run first", folder=folder)
    accounts = Accounts(database(folder, url))
    closed = bool(token or accounts.people())
    if host not in LOOPBACK and not closed:
        raise UserError(
            "--host {host} opens the page to others: add accounts with vdesc review users add, or give a --token",
            host=host,
        )
    return Desk(folder, accounts, url, None if closed else Person(getuser(), "lead"), token)


@users_app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="The account's name.")],
    role: Annotated[str, typer.Option(help="viewer: watch and export; reviewer: change; lead: deliver.")] = "reviewer",
    out: Out = Path("out"),
    url: Url = None,
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """Make an account, or change its role and password; the password is asked for, or read from a pipe."""
    from pipeline.review.accounts import ROLES

    chosen_from("--role", role, ROLES)
    password = (
        typer.prompt(tr("Password"), hide_input=True, confirmation_prompt=True)
        if sys.stdin.isatty()
        else sys.stdin.readline().rstrip("\r\n")
    )
    _accounts(out, url).add(name, cast("Role", role), password)
    typer.echo(tr("{name} may sign in as {role}", name=name, role=role))


@users_app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="The account's name.")],
    out: Out = Path("out"),
    url: Url = None,
    lang: LangOption = None,  # noqa: ARG001
) -> None:
    """Delete an account; whoever is signed in with it is signed out. What they changed stays."""
    _accounts(out, url).remove(name)
    typer.echo(tr("{name} can no longer sign in", name=name))


@users_app.command("list")
def show(out: Out = Path("out"), url: Url = None, lang: LangOption = None) -> None:  # noqa: ARG001
    """The accounts and their roles."""
    for person in _accounts(out, url).people():
        typer.echo(f"{person.name}\t{person.role}")


def _accounts(out: Path, url: str | None) -> Accounts:
    from pipeline.review.accounts import Accounts
    from pipeline.review.folders import database

    if not url and not out.is_dir():
        raise UserError("{folder} does not exist; name the folder that is reviewed with --out", folder=out)
    return Accounts(database(out, url))
