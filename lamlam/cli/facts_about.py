"""``lamlam facts about TEXT``: what memory holds about the names in a message or a paragraph."""

from __future__ import annotations

from typing import Annotated

import typer

from lamlam.cli.facts_options import (
    InNamespace,
    Json,
    NoShared,
    ReadMemory,
    SharedNamespace,
    texts_namespaces,
)
from lamlam.cli.facts_stores import any_store, read_where
from lamlam.cli.output import print_json, printable_line, stderr_console

NOT_FOUND = 1


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(epilog="Example: lamlam facts about 'I am reading about Marie Curie.'")(about)


def about(
    text: Annotated[str, typer.Argument(help="A message or a paragraph.")],
    memory: ReadMemory = None,
    me: Annotated[
        str | None, typer.Option("--me", metavar="NAME", help='Whom "I" and "my" mean.')
    ] = None,
    namespace: InNamespace = None,
    shared_namespace: SharedNamespace = None,
    no_shared: NoShared = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Most facts to show.")] = 20,
    as_json: Json = False,
) -> None:
    """Show the facts about every name in a text. Exit status 1 if memory knows none of them."""
    from lamlam.cli.facts_output import fact_as_json, print_facts

    spaces = texts_namespaces(namespace, shared_namespace, no_shared)
    with any_store(memory) as store:
        # The budget is in facts alone: a terminal has room.
        found = store.facts_about(
            text,
            namespace=spaces.get("namespace") or (),
            shared_namespace=spaces.get("shared_namespace", ()),
            me=me,
            max_facts=limit,
            max_characters=1_000_000,
        )
        read = read_where(memory, store)
    if as_json:
        names = [
            {"text": one.text, "start": one.start, "end": one.end, "entity": one.entity}
            for one in found.names
        ]
        facts = [fact_as_json(fact) for fact in found.facts]
        print_json({"names": names, "facts": facts, "left_out": found.n_left_out})
    elif found.facts:
        print_facts(list(found.facts))
        if found.n_left_out:
            more = f"{found.n_left_out} more facts about these names: --limit shows more"
            stderr_console().print(more, soft_wrap=True)
    if not found.facts:
        if not as_json:
            said = f"memory holds nothing about the names in this text {read}"
            stderr_console().print(printable_line(said), soft_wrap=True)
        raise typer.Exit(NOT_FOUND)
