"""What ``lamlam facts get --id`` shows: one fact, as it is or as it was last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from lamlam.cli.facts_output import fact_as_json, period, print_table
from lamlam.cli.facts_stores import any_store, read_where
from lamlam.cli.output import print_json, printable_line, stderr_console

if TYPE_CHECKING:
    from lamlam.memory_backends.model.facts import Fact

NOT_FOUND = 1
_BOTH = "(read: your own facts, where there are any, and the bundled ones)"


def show_fact(fact_id: str, memory: str | None, as_json: bool) -> None:
    """Print the fact with this id, from the user's own facts or the bundled ones.

    Raises:
        typer.Exit: there is none.
    """
    from lamlam.memory_backends.open import BUNDLED

    fact, location, read = _read(fact_id, memory)
    if memory is None:
        read = _BOTH
        if fact is None:
            fact, location, _ = _read(fact_id, BUNDLED)
    if as_json:
        print_json(
            {
                "status": _status(fact),
                "fact": None if fact is None else fact_as_json(fact),
                "values": [] if fact is None else [fact.surface],
                "fact_ids": [] if fact is None else [fact_id],
                "memory": location,
            }
        )
    elif fact is not None:
        ended = "" if fact.retracted is None else f"at revision {int(fact.retracted)}"
        columns = ("entity", "relation", "value", "holds", "source", "namespace", "ended")
        given = (fact.entity, fact.relation, fact.surface, period(fact), "; ".join(fact.sources))
        print_table(columns, [(*given, "/".join(fact.namespace), ended)])
    else:
        said = f"no fact, and no fact of the past, has the id {fact_id[:40]!r} {read}"
        stderr_console().print(printable_line(said), soft_wrap=True)
    if fact is None:
        raise typer.Exit(NOT_FOUND)


def _read(fact_id: str, memory: str | None) -> tuple[Fact | None, str, str]:
    """Return the fact, the place of the store that was read, and what to say of it."""
    with any_store(memory) as store:
        return store.fact(fact_id), store.info().location, read_where(memory, store)


def _status(fact: Fact | None) -> str:
    if fact is None:
        return "miss"
    return "hit" if fact.retracted is None else "ended"
