"""``lamlam keys``: make, list and revoke the access keys of ``lamlam serve`` and ``lamlam mcp``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lamlam.cli.facts_options import NoShared, namespace_of
from lamlam.cli.output import print_figures, print_json, printable_line

if TYPE_CHECKING:
    from datetime import datetime

    from lamlam.access_keys import AccessKeys, KeyRecord

NOT_FOUND = 1
_DAYS = re.compile(r"([1-9][0-9]{0,4})d", re.ASCII)

app = typer.Typer(help="Make, list and revoke access keys of servers.", no_args_is_help=True)

KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--keys", metavar="FILE", help="The file of keys; default: keys.json in your data folder."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def key_file(given: Path | None) -> Path:
    """Return the path of the file of keys; it need not exist."""
    from lamlam.memory_backends.open import data_folder

    return given if given is not None else data_folder() / "keys.json"


@app.command(epilog="Example: lamlam keys new laptop --namespace users/7 --expires 90d")
def new(
    name: Annotated[str, typer.Argument(help="Whom or what it is for; the log names it.")],
    namespace: Annotated[
        str | None,
        typer.Option(
            "--namespace",
            metavar="A/B",
            help="Whose facts it reads and writes; default: those without a namespace.",
        ),
    ] = None,
    shared_namespace: Annotated[
        str | None,
        typer.Option(
            "--shared-namespace",
            metavar="A/B",
            help="What is read where --namespace has none; default: facts without a namespace.",
        ),
    ] = None,
    no_shared: NoShared = False,
    below: Annotated[
        bool,
        typer.Option("--below", help="Also namespaces that begin with --namespace, if asked for."),
    ] = False,
    rights: Annotated[
        str,
        typer.Option(
            "--rights", help="Of read, write, forget and watch (GET /metrics), with commas."
        ),
    ] = "read,write",
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="WHEN", help="A date, a time with zone, or days: 90d."),
    ] = None,
    keys: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Make a key and print it, once: the file has only its hash.

    Servers that run take it at once. To forget facts needs the right to, which is not given unless
    it is named: --rights read,write,forget.
    """
    from lamlam.access_keys import AccessKeys
    from lamlam.errors import UsageError

    if no_shared and shared_namespace is not None:
        raise UsageError("--no-shared and --shared-namespace exclude each other")
    store = AccessKeys(key_file(keys))
    key = store.new(
        name,
        namespace=namespace_of(namespace),
        shared_namespace=None if no_shared else namespace_of(shared_namespace),
        rights=[one.strip() for one in rights.split(",") if one.strip()],
        below=below,
        expires=None if expires is None else _moment(expires),
    )
    if as_json:
        record = next(one for one in store.records() if one.name == name)
        print_json({"key": key, "file": str(store.path), **_shown(record)})
        return
    typer.echo(key)
    typer.echo(
        f"Keep it: {printable_line(str(store.path))} has only its hash. Clients send it as"
        " Authorization: Bearer KEY",
        err=True,
    )


@app.command("list", epilog="Example: lamlam keys list --json")
def list_keys(keys: KeyFile = None, as_json: Json = False) -> None:
    """List the keys, without the keys themselves. Exit 1 if there are none."""
    store = _existing(keys)
    records = store.records()
    if as_json:
        print_json({"file": str(store.path), "keys": [_shown(one) for one in records]})
    else:
        for record in records:
            shown = _shown(record)
            typer.echo(printable_line(f"{record.name}  ({record.id})"))
            for field in ("namespace", "shared_namespace", "below", "rights", "made", "expires"):
                typer.echo(f"  {field.replace('_', ' '):<16} {_words(shown[field])}")
    if not records:
        raise typer.Exit(NOT_FOUND)


@app.command(epilog="Example: lamlam keys revoke laptop")
def revoke(
    name: Annotated[str, typer.Argument(help="Name or id of the key.")],
    keys: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Remove a key: servers refuse it from the next request on. Exit 1 if there is none."""
    found = _existing(keys).revoke(name)
    if as_json:
        print_json({"revoked": None if found is None else _shown(found)})
    elif found is None:
        typer.echo(f"no key named {printable_line(name)!r}", err=True)
    else:
        print_figures({"revoked": found.name, "id": found.id})
    if found is None:
        raise typer.Exit(NOT_FOUND)


def _existing(keys: Path | None) -> AccessKeys:
    """Return the keys of a file that was named, which then must be there, or of the usual one."""
    from lamlam.access_keys import AccessKeys
    from lamlam.errors import BadKeyFile

    path = key_file(keys)
    if keys is not None and not path.exists():
        raise BadKeyFile(f"{path}: there is no such file", hint="lamlam keys new makes one")
    return AccessKeys(path)


def _shown(record: KeyRecord) -> dict[str, object]:
    from lamlam.access_keys.key_file import as_json

    shown = as_json(record)
    del shown["hash"]
    return shown


def _words(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else printable_line(str(value)) or "(without a name)"


def _moment(text: str) -> datetime:
    """Return when a key expires.

    Raises:
        UsageError: it is no moment, or past.
    """
    from datetime import datetime, timedelta

    from lamlam.errors import BadFact, UsageError
    from lamlam.memory_backends.model import clock
    from lamlam.memory_backends.model.timestamps import as_moment

    if days := _DAYS.fullmatch(text):
        return (clock.now() + timedelta(days=int(days[1]))).replace(microsecond=0)
    try:
        moment = as_moment(text)
    except BadFact as error:
        raise UsageError(f"--expires: {error}", hint="write 2027-05-31 or 90d") from None
    if not isinstance(moment, datetime) or moment <= clock.now():
        raise UsageError(f"--expires {text} is past", hint="write a later date, or 90d")
    return moment
