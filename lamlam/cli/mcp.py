"""``lamlam mcp``: a memory for agents that speak the Model Context Protocol."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lamlam.cli.facts_options import (
    NoShared,
    SharedNamespace,
    WriteMemory,
    texts_namespaces,
)
from lamlam.cli.keys import KeyFile
from lamlam.cli.server_options import AllowHost, AllowOrigin, check_has_key, keys_of

if TYPE_CHECKING:
    from lamlam.access_keys import Access, AccessKeys

_ALL = "read,write,forget"
KEY_VARIABLE = "LAMLAM_ACCESS_KEY"
"""Names the key of a client that starts the server: standard streams have no headers."""


def register(app: typer.Typer) -> None:
    """Add the command ``mcp``."""
    app.command(epilog="Example: lamlam mcp --memory sqlite:///notes.db --namespace users/7")(mcp)


def mcp(
    memory: WriteMemory = None,
    namespace: Annotated[
        str | None,
        typer.Option(
            "--namespace",
            metavar="A/B",
            help="Whose facts, as users/7; default: those without a namespace.",
        ),
    ] = None,
    shared_namespace: SharedNamespace = None,
    no_shared: NoShared = False,
    rights: Annotated[
        str, typer.Option("--rights", help="Of read, write and forget, with commas.")
    ] = _ALL,
    me: Annotated[
        str | None, typer.Option("--me", metavar="NAME", help='Whom "I" and "my" mean in texts.')
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Open the memory for reading.")
    ] = False,
    http: Annotated[
        bool, typer.Option("--http", help="Serve HTTP, in place of standard input and output.")
    ] = False,
    host: Annotated[
        str, typer.Option("--host", help="Where to listen, with --http.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="With --http; 0: any that is free.")
    ] = 8765,
    keys: KeyFile = None,
    allow_host: AllowHost = None,
    allow_origin: AllowOrigin = None,
) -> None:
    """Serve a memory over the Model Context Protocol, to the program that starts this or over HTTP.

    Programs start it themselves, by this command line. With --http they reach it at
    http://HOST:PORT/mcp. Access keys (lamlam keys new) decide namespace and rights of each client;
    elsewhere than on this machine it listens only with keys.
    """
    from lamlam.installed import need

    need("mcp")
    from lamlam.mcp_server.command import Serving, serve

    found = keys_of(keys)
    if http and found is not None:
        check_has_key(found)
        _refuse_what_keys_decide(namespace, shared_namespace, no_shared, rights)
    access = _access(namespace, shared_namespace, no_shared, rights)
    if not http:
        access = _access_of_variable(found, access)
    serve(
        Serving(
            memory=_url(memory, read_only),
            access=access,
            keys=found if http else None,
            me=me,
            read_only=read_only,
            host=host if http else None,
            port=port,
            hosts=tuple(allow_host or ()),
            origins=tuple(allow_origin or ()),
        )
    )


def _url(memory: str | None, read_only: bool) -> str:
    """Return the URL of the memory, by default of the user's own facts, which may be made."""
    from lamlam.memory_backends.open import user_facts_path

    if memory is not None:
        return memory
    path = user_facts_path()
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{path.absolute()}"


def _refuse_what_keys_decide(
    namespace: str | None, shared_namespace: str | None, no_shared: bool, rights: str
) -> None:
    """Raise where an option would not do what it says, since each key has its own.

    Raises:
        UsageError: naming the option.
    """
    from lamlam.errors import UsageError

    given = {
        "--namespace": namespace is not None,
        "--shared-namespace": shared_namespace is not None,
        "--no-shared": no_shared,
        "--rights": rights != _ALL,
    }
    for option, is_given in given.items():
        if is_given:
            raise UsageError(
                f"{option} says nothing here: the access keys decide",
                hint=f"lamlam keys new NAME {option} … makes a key",
            )


def _access(
    namespace: str | None, shared_namespace: str | None, no_shared: bool, rights: str
) -> Access:
    """Return what the options say of clients without a key."""
    from lamlam.access_keys import Access
    from lamlam.access_keys.key_file import checked_rights

    spaces: dict[str, Any] = texts_namespaces(namespace, shared_namespace, no_shared)
    given = [one.strip() for one in rights.split(",") if one.strip()]
    return Access(**spaces, rights=checked_rights(given))


def _access_of_variable(keys: AccessKeys | None, access: Access) -> Access:
    """Return the access of the key in the environment, or what the options say without one."""
    from lamlam.errors import KeyRefused

    key = os.environ.get(KEY_VARIABLE)
    if key is None:
        return access
    if keys is None:
        raise KeyRefused(
            f"{KEY_VARIABLE} has a key, and there is no file of keys", hint="name it by --keys FILE"
        )
    return keys.access(key)
