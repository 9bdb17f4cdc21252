"""The commands that search: ``search``, ``names``, and ``index``, which makes searches fast."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import Annotated, Any

import typer

from lamlam.cli.facts_options import InNamespace, Json, ReadMemory, WriteMemory, namespace_of
from lamlam.cli.facts_progress import indexed
from lamlam.cli.facts_stores import any_store, own_store, read_where
from lamlam.cli.output import print_json, print_result, printable_line, stderr_console
from lamlam.cut_text import cut_text

NOT_FOUND = 1
_SHOWN = 60


class IndexSwitch(StrEnum):
    """What ``lamlam facts index`` does."""

    ON = "on"
    OFF = "off"
    SHOW = "show"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(epilog="Example: lamlam facts search 'Where was Elvis Presley born?'")(search)
    app.command(epilog="Example: lamlam facts names El --limit 10")(names)
    app.command(epilog="Example: lamlam facts index on --memory sqlite:///facts.db")(index)


def search(
    text: Annotated[
        str, typer.Argument(help="Part of a name or value, a name misspelt, or a question.")
    ],
    memory: ReadMemory = None,
    namespace: InNamespace = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most facts to show.")] = 20,
    sources: Annotated[bool, typer.Option("--sources", help="Search sources, too.")] = False,
    expired: Annotated[
        bool, typer.Option("--expired", help="Also facts whose period has ended.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Find entities and facts. Exit status 1 if there are none."""
    from lamlam.cli.facts_output import fact_as_json, print_facts

    with any_store(memory) as store:
        result = store.search(
            text,
            namespace=namespace_of(namespace),
            limit=limit,
            sources=sources,
            include_expired=expired,
        )
        found = result.facts
        read = read_where(memory, store)
    if as_json:
        entities = list(dict.fromkeys(fact.entity for fact in found))
        shown = [fact_as_json(fact) for fact in found]
        print_json({"entities": entities, "facts": shown, "complete": result.is_complete})
    elif found:
        print_facts(found)
    if not found:
        if not as_json:
            said = f"nothing in memory holds {_short(text)!r} {read}"
            more = [] if sources else ["--sources searches sources, too"]
            more += [] if expired else ["--expired finds what has ended"]
            said = "; ".join([said, *more])
            stderr_console().print(printable_line(said), soft_wrap=True)
        raise typer.Exit(NOT_FOUND)


def names(
    prefix: Annotated[str, typer.Argument(help="What they begin with; empty: all.")] = "",
    memory: ReadMemory = None,
    namespace: InNamespace = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most names to show.")] = 100,
    as_json: Json = False,
) -> None:
    """List names of entities by the alphabet. Exit status 1 if there are none."""
    with any_store(memory) as store:
        found = store.names(prefix, namespace=namespace_of(namespace), limit=limit)
        read = read_where(memory, store)
    if as_json:
        print_json({"names": found})
    else:
        for name in found:
            typer.echo(printable_line(name))
    if not found:
        if not as_json:
            said = f"no name in memory begins with {_short(prefix)!r} {read}"
            stderr_console().print(printable_line(said), soft_wrap=True)
        raise typer.Exit(NOT_FOUND)


def index(
    switch: Annotated[
        IndexSwitch, typer.Argument(help="Make it, remove it, or say what is in it.")
    ] = IndexSwitch.SHOW,
    memory: WriteMemory = None,
    sources: Annotated[bool, typer.Option("--sources", help="Index sources, too.")] = False,
    as_json: Json = False,
) -> None:
    """Turn the search index of a store on or off: with it a search need not read every fact.

    It costs about 20 bytes a fact in a file, and time at every write. While it is made nobody else
    can write to a file; to a server others write meanwhile.
    """
    figures: dict[str, Any]  # Any: what JSON holds
    began = time.perf_counter()
    with own_store(memory, read_only=switch is IndexSwitch.SHOW) as store:
        if switch is not IndexSwitch.SHOW:
            with indexed("indexing") as advance:
                store.set_search_index(
                    switch is IndexSwitch.ON, sources=sources, on_progress=advance
                )
        info = store.info()
        figures = {
            "search_index": info.search_index or "off",
            "facts": info.facts,
            "bytes": info.bytes,
            "location": info.location,
        }
    if switch is not IndexSwitch.SHOW:
        figures["seconds"] = round(time.perf_counter() - began, 3)
    if switch is IndexSwitch.ON and info.backend == "memory":
        said = "note: this store keeps an index only while it is open; the next command has none"
        stderr_console().print(printable_line(said), soft_wrap=True)
    figures = {name: value for name, value in figures.items() if value is not None}
    print_result(figures, as_json)


def _short(text: str) -> str:
    """Return the text, or only its beginning if it is long."""
    return cut_text(text, _SHOWN, "...")
