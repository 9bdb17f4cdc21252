"""How facts and lookups are shown: as objects for machines, as tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lamlam.cli.output import printable, stderr_console, stdout_console

if TYPE_CHECKING:
    from lamlam.memory_backends.facts import Fact
    from lamlam.memory_backends.lookups import LookupResult, MatchPart
    from lamlam.memory_backends.operations import PastFact


def lookup_as_json(result: LookupResult) -> dict[str, Any]:
    """The keys that scripts rely on: ``status``, ``values``, ``fact_ids``, ``match``."""
    return {
        "status": result.status.value,
        "values": list(result.values),
        "fact_ids": list(result.fact_ids),
        "sources": list(result.sources),
        "match": {
            "entity": _part_as_json(result.match.entity),
            "relation": _part_as_json(result.match.relation),
        },
        "candidates": [
            {"entity": c.entity, "relation": c.relation, "score": round(c.score, 4)}
            for c in result.candidates
        ],
        "revision": result.revision,
    }


def fact_as_json(fact: Fact) -> dict[str, Any]:
    """A fact's fields."""
    return fact.model_dump()


def past_fact_as_json(past: PastFact) -> dict[str, Any]:
    """A fact that ended, with the revisions between which it held."""
    return {**past.fact.model_dump(), "asserted": past.asserted, "retracted": past.retracted}


def print_lookup(result: LookupResult) -> None:
    """Values with their sources are printed; how the question was read, if not literally."""
    rows = [
        (value, source or "", fact_id)
        for value, source, fact_id in zip(
            result.values, result.sources, result.fact_ids, strict=True
        )
    ]
    print_table(("value", "source", "id"), rows)
    match = result.match
    if match.entity.kind != "exact" or match.relation.kind != "exact":
        stderr_console().print(
            printable(
                f"read as: {match.relation.matched} of {match.entity.matched}"
                f" ({match.entity.kind}, {match.relation.kind})"
            ),
            style="dim",
            soft_wrap=True,
        )


def print_not_found(result: LookupResult, entity: str, relation: str) -> None:
    """One line on standard error says what memory lacks, and what is near."""
    if result.status == "ambiguous":
        said = f"{entity!r} may be any of: "
        said += ", ".join(candidate.entity for candidate in result.candidates)
    elif result.match.entity.kind == "none":
        said = f"memory does not know {entity!r}"
        if result.candidates:
            said += f"; near: {', '.join(candidate.entity for candidate in result.candidates)}"
    else:
        said = f"memory has no {relation!r} of {result.match.entity.matched}"
        if result.candidates:
            said += f"; near: {', '.join(candidate.relation for candidate in result.candidates)}"
    stderr_console().print(printable(said), soft_wrap=True)


def print_facts(facts: Sequence[Fact]) -> None:
    """The facts are a table on standard output."""
    rows = [(fact.entity, fact.relation, fact.value, fact.source or "") for fact in facts]
    print_table(("entity", "relation", "value", "source"), rows)


def print_past_facts(facts: Sequence[PastFact]) -> None:
    """The facts that ended are a table on standard output."""
    print_table(
        ("entity", "relation", "value", "source", "held"),
        [
            (
                past.fact.entity,
                past.fact.relation,
                past.fact.value,
                past.fact.source or "",
                f"revision {past.asserted} to {past.retracted}",
            )
            for past in facts
        ],
    )


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table is on standard output, control characters made visible."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*[Text(printable(cell)) for cell in row])
    stdout_console().print(table)


def _part_as_json(part: MatchPart) -> dict[str, Any]:
    return {"kind": part.kind, "score": round(part.score, 4), "matched": part.matched}
