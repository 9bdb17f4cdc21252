"""Options of the commands that serve over HTTP, and what they ask of a file of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

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
