"""Options of the commands that serve over HTTP, and what they ask of a file of keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lamlam.cli.keys import key_file

if TYPE_CHECKING:
    from lamlam.access_keys import AccessKeys

AllowHost = Annotated[
    list[str] | None,
    typer.Option("--allow-host", metavar="NAME", help="Another name of the server; repeatable."),
]
AllowOrigin = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-origin",
        metavar="ORIGIN",
        help="Pages that may call it, https://app.example; repeatable.",
    ),
]


def keys_of(given: Path | None) -> AccessKeys | None:
    """Return the keys of a file that was named, or of the usual one if it is there.

    Raises:
        BadKeyFile: the file that was named is not there.
    """
    from lamlam.access_keys import AccessKeys
    from lamlam.errors import BadKeyFile

    path = key_file(given)
    if path.exists():
        return AccessKeys(path)
    if given is not None:
        raise BadKeyFile(f"{path}: there is no such file", hint="lamlam keys new makes one")
    return None


def check_has_key(keys: AccessKeys) -> None:
    """Raise where a file has no key, as after the last one was revoked: nobody could enter.

    Raises:
        BadKeyFile: naming the file.
    """
    from lamlam.errors import BadKeyFile

    if not keys.records():
        raise BadKeyFile(
            f"{keys.path}: there is no access key in it",
            hint=f"lamlam keys new NAME --keys {keys.path} makes one",
        )
