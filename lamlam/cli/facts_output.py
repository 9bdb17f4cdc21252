"""Facts and lookups as JSON objects for machines and as tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from lamlam.cli.output import printable, shortened, stderr_console, stdout_console

if TYPE_CHECKING:
    from datetime import datetime

    from lamlam.memory_backends.model.candidates import Candidate
    from lamlam.memory_backends.model.facts import Fact
    from lamlam.memory_backends.model.lookups import LookupResult, Match, MatchPart
    from lamlam.memory_backends.model.operations import PastFact


class Ended(NamedTuple):
    """A fact of the past, with the facts of its relation that began when it ended."""

    past: PastFact
    replaced_by: tuple[Fact, ...]


def lookup_as_json(result: LookupResult, facts: Sequence[Fact]) -> dict[str, Any]:
    """Return the lookup under the documented keys ``status``, ``values``, ``fact_ids``, ``match``, …"""
    return {
        "status": str(result.status),
        "values": list(result.values),
        "fact_ids": list(result.fact_ids),
        "sources": list(result.sources),
        "facts": [fact_as_json(fact) for fact in facts],
        "match": {
            "entity": _part_as_json(result.match.entity),
            "relation": _part_as_json(result.match.relation),
        },
        "candidates": [
            {
                "entity": c.entity,
                "relation": c.relation,
                "score": round(c.score, 4),
                "qualifier": c.qualifier,
                "facts": [{"relation": name, "value": value} for name, value in c.facts],
                **_period_as_json(c),
            }
            for c in result.candidates
        ],
        "revision": int(result.revision),
    }


def fact_as_json(fact: Fact) -> dict[str, Any]:
    """Return a fact's fields and the type of its value."""
    return {**fact.model_dump(mode="json"), "type": fact.type.value}


def ended_as_json(ended: Ended) -> dict[str, Any]:
    """Return a past fact, the revisions between which it held, and what replaced it."""
    past = ended.past
    return {
        **fact_as_json(past.fact),
        "asserted": past.asserted,
        "asserted_at": when_as_json(past.asserted_at),
        "asserted_by": past.asserted_by,
        "retracted": past.retracted,
        "retracted_at": when_as_json(past.retracted_at),
        "retracted_by": past.retracted_by,
        "replaced_by": [
            {"value": fact.surface, "fact_id": fact.id, "period": period(fact)}
            for fact in ended.replaced_by
        ],
    }


def _period_as_json(candidate: Candidate) -> dict[str, Any]:
    """Return the period of a candidate that holds at another time; of others nothing."""
    from lamlam.memory_backends.model.timestamps import written_moment

    if candidate.valid_from is None and candidate.valid_to is None:
        return {}
    begin, end = candidate.valid_from, candidate.valid_to
    return {
        "valid_from": None if begin is None else written_moment(begin),
        "valid_to": None if end is None else written_moment(end),
        "fact_id": candidate.fact_id,
    }


def _at_its_time(candidate: Candidate) -> str:
    """Return the value of a candidate and its period."""
    return " ".join([value for _, value in candidate.facts] + [period(candidate)])


def period(fact: Fact | Candidate) -> str:
    """Return the period in which a fact holds, as people write it; empty if it is open."""
    from lamlam.memory_backends.model.timestamps import written_moment

    begin = "" if fact.valid_from is None else f"from {written_moment(fact.valid_from)}"
    end = "" if fact.valid_to is None else f"until {written_moment(fact.valid_to)}"
    return f"{begin} {end}".strip()


def print_lookup(result: LookupResult, facts: Sequence[Fact]) -> None:
    """Print the values with their sources, and how the names were matched if not exactly."""
    given = zip(result.values, facts, strict=True)
    rows = [(value, period(fact), _sources(fact), fact.id or "") for value, fact in given]
    print_table(("value", "holds", "source", "id"), rows)
    match = result.match
    if match.entity.kind != "exact" or match.relation.kind != "exact":
        stderr_console().print(
            printable(f"read as: {_as_read(match)} ({match.entity.kind}, {match.relation.kind})"),
            style="dim",
            soft_wrap=True,
        )


def _as_read(match: Match) -> str:
    """Return the question as the memory read it; an inverse as a statement about the values."""
    if match.relation.kind == "inverse":
        return f"… {match.relation.matched}: {match.entity.matched}"
    return f"{match.relation.matched} of {match.entity.matched}"


def print_not_found(result: LookupResult, entity: str, relation: str) -> None:
    """Print on standard error what memory lacks, and which names are near."""
    stderr_console().print(printable(said_of_miss(result, entity, relation)), soft_wrap=True)


def said_of_miss(result: LookupResult, entity: str, relation: str) -> str:
    """Return what memory lacks, and which names are near."""
    if result.status == "ambiguous":
        said = f"{entity!r} may be any of: "
        said += ", ".join(
            f"{one.entity} [{one.told_apart}]" if one.facts else one.entity
            for one in result.candidates
        )
    elif result.status == "not_valid_at":
        said = f"memory holds {relation!r} of {result.match.entity.matched}, but for other times"
        if result.candidates:
            said += f": {', '.join(_at_its_time(one) for one in result.candidates)}"
    elif result.match.entity.kind == "none":
        said = f"memory does not know {entity!r}"
        if result.candidates:
            said += f"; near: {', '.join(candidate.entity for candidate in result.candidates)}"
    else:
        said = f"memory has no {relation!r} of {result.match.entity.matched}"
        if result.candidates:
            said += f"; near: {', '.join(candidate.relation for candidate in result.candidates)}"
    return said


def print_facts(facts: Sequence[Fact]) -> None:
    """Print the facts as a table."""
    rows = [
        (fact.entity, fact.relation, fact.surface, period(fact), _sources(fact)) for fact in facts
    ]
    print_table(("entity", "relation", "value", "holds", "source"), rows)


def print_ended(facts: Sequence[Ended]) -> None:
    """Print the past facts as a table."""
    print_table(
        ("entity", "relation", "value", "holds", "source", "began", "ended", "replaced by"),
        [
            (
                past.fact.entity,
                past.fact.relation,
                past.fact.surface,
                period(past.fact),
                _sources(past.fact),
                commit_line(past.asserted, past.asserted_at, past.asserted_by),
                commit_line(past.retracted, past.retracted_at, past.retracted_by),
                "; ".join(f"{fact.surface} {period(fact)}".strip() for fact in replaced_by),
            )
            for past, replaced_by in facts
        ],
    )


def when_as_json(at: datetime | None) -> str | None:
    """Return the time of a commit in ISO 8601, UTC."""
    return None if at is None else at.isoformat()


def commit_line(revision: int, at: datetime | None, actor: str | None) -> str:
    """Return which commit it was, when it was made and by whom, as far as the log knows."""
    when = "" if at is None else f"  {at:%Y-%m-%d %H:%M:%S} UTC"
    by = "" if actor is None else f"  by {actor}"
    return f"revision {int(revision)}{when}{by}"


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table, with control characters made visible."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    # A column that is empty throughout says nothing.
    kept = [n for n in range(len(columns)) if any(row[n] for row in rows)]
    for n in kept:
        table.add_column(columns[n], overflow="fold")
    for row in rows:
        table.add_row(*[Text(shortened(printable(row[n]))) for n in kept])
    stdout_console().print(table)


def _sources(fact: Fact) -> str:
    return "; ".join(fact.sources)


def _part_as_json(part: MatchPart) -> dict[str, Any]:
    return {"kind": part.kind, "score": round(part.score, 4), "matched": part.matched}
