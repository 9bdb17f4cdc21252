"""Parse the URL of a Neo4j database: server, user, database, options."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from lamlam.errors import UnknownBackend, UnknownOption
from lamlam.memory_backends.model.text_search import index_option

SCHEMES = tuple(f"{name}{how}" for name in ("neo4j", "bolt") for how in ("", "+s", "+ssc"))
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9]{0,30}")
_LABEL = re.compile(r"[^\W\d]\w{0,99}")
ANY_LABEL = "*"
_OPTIONS = ("prefix", "edges", "cache", "view", "label", "name", "timeout", "search_index")


@dataclass(frozen=True, slots=True)
class Neo4jAddress:
    """A database and how to use it. The password is in no text that is made from this."""

    uri: str
    """As the driver takes it: scheme, host and port."""
    user: str | None
    password: SecretStr
    database: str | None
    """``None``: the user's home database."""
    prefix: str = "Lamlam"
    """Of all labels, so that several stores, or other graphs, share a database."""
    edges: bool | None = None
    """Facts between entities are also relationships; ``None``: as the store has it now."""
    search_index: tuple[bool, bool] | None = None
    """Whether there is a search index, and of sources too; ``None``: as the store has it now."""
    has_cache: bool = True
    """`lookup_nowait` answers from a copy of the facts in this process."""
    view: Literal["store", "foreign"] = "store"
    """``foreign``: a graph that others made, for reading."""
    label: str = "__Entity__"
    """Of the entities of a foreign graph; ``*``: nodes of any label are entities."""
    name: str | None = None
    """The property that names them; ``None``: ``name``, ``title``, ``id`` or ``entity_id``."""
    timeout_s: float = 30.0
    """After so long one read or write is given up, here and by the server; loading is not."""

    def __str__(self) -> str:
        return f"{self.uri}/{self.database}" if self.database else self.uri


def parse_address(url: str) -> Neo4jAddress:
    """Return what a URL ``neo4j://user:password@host:7687/database?option=value`` says.

    User and password may come from ``NEO4J_USERNAME`` and ``NEO4J_PASSWORD`` instead. Parts with
    special characters are written with percent signs.

    Raises:
        UnknownBackend: no such URL.
        UnknownOption: an option, or a value of one, that does not exist.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _no_server() from None
    if parts.scheme not in SCHEMES or not host:
        raise _no_server()
    database = unquote(parts.path.strip("/"))
    if "/" in database or parts.fragment:
        raise UnknownBackend(
            "the URL names more than a database", hint="write # as %23, / in a name as %2F"
        )
    user = unquote(parts.username) if parts.username else os.environ.get("NEO4J_USERNAME")
    password = (
        unquote(parts.password)
        if parts.password is not None
        else os.environ.get("NEO4J_PASSWORD", "")
    )
    if user is None and password:
        user = "neo4j"
    address = f"[{host}]" if ":" in host else host
    options = _options(parts.query)
    return Neo4jAddress(
        uri=f"{parts.scheme}://{address}:{port or 7687}",
        user=user,
        password=SecretStr(password),
        database=database or None,
        **options,
    )


def _no_server() -> UnknownBackend:
    return UnknownBackend(
        "the URL names no Neo4j server",
        hint="write neo4j://user:password@host:7687/database, with %40 for an @ in the password",
    )


def _options(query: str) -> dict[str, Any]:  # Any: fields of several types
    """Return the fields that the options fill."""
    given: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _OPTIONS:
            raise UnknownOption(
                f"a Neo4j URL has no option {name!r}", hint=f"known are {', '.join(_OPTIONS)}"
            )
        match name:
            case "prefix":
                given["prefix"] = _matching(name, value, _PREFIX, "letters and digits")
            case "label" if value == ANY_LABEL:
                given["label"] = value
            case "label" | "name":
                given[name] = _matching(name, value, _LABEL, "letters, digits and _")
            case "edges":
                given["edges"] = _is_on(name, value)
            case "search_index":
                given["search_index"] = index_option(value)
            case "cache":
                given["has_cache"] = _is_on(name, value)
            case "view":
                if value != "foreign":
                    raise UnknownOption(f"view={value!r} does not exist", hint="view=foreign does")
                given["view"] = value
            case _:
                given["timeout_s"] = _seconds(name, value)
    return given


def _matching(name: str, value: str, pattern: re.Pattern[str], what: str) -> str:
    if not pattern.fullmatch(value):
        raise UnknownOption(
            f"{name}={value[:40]!r} is not a valid {name}", hint=f"it is made of {what}"
        )
    return value


def _is_on(name: str, value: str) -> bool:
    if value not in ("on", "off"):
        raise UnknownOption(f"{name}={value[:40]!r} does not exist", hint="on and off do")
    return value == "on"


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:
        raise UnknownOption(f"{name}={value[:40]!r} is not a number of seconds")
    return seconds
