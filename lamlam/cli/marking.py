"""A completion as people read it: values from memory are marked, and notes name their sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lamlam.cli.output import printable, printable_line

if TYPE_CHECKING:
    from rich.text import Text

    from lamlam.runtime.decoding.completion import Completion
    from lamlam.runtime.decoding.spans import LookupRecord

PROMPT_STYLE = "dim"
FACT_STYLE = "bold green"
NOTE_STYLE = "green"
MISS_STYLE = "yellow"
_EXACT = "match: exact"


def marked_text(completion: Completion, *, end: int | None = None, notes: bool = True) -> Text:
    """Return the text up to ``end`` with its values coloured and numbered ``[1]``, ``[2]``, …

    The numbers are those of ``lookup_notes``; ``notes=False`` leaves them out.
    """
    from rich.text import Text

    end = len(completion.text) if end is None else end
    numbers = _numbers(completion)
    marked = Text()
    for span in completion.spans:
        if span.start >= end:
            break
        stretch = printable(completion.text[span.start : min(span.end, end)])
        if span.origin == "fact":
            # The blank before a value belongs to the text, not to the value.
            value = stretch.lstrip()
            marked.append(stretch[: len(stretch) - len(value)])
            marked.append(value, style=FACT_STYLE)
            if notes and span.fact_id in numbers:
                marked.append(f"[{numbers[span.fact_id]}]", style=NOTE_STYLE)
        else:
            marked.append(stretch, style=PROMPT_STYLE if span.origin == "prompt" else "")
    return marked


def lookup_notes(
    completion: Completion,
    *,
    key: tuple[str, str] | None = None,
    misses: bool = True,
    exact: bool = True,
) -> Iterator[Text]:
    """Yield a line for each answered key: number, key, value, source and how the names matched.

    Lookups without an answer follow, one line for each key, with the number of tries.

    Args:
        key: entity and relation; only their lines.
        misses: whether keys without an answer have lines.
        exact: whether exact matches are named too.
    """
    numbers = _numbers(completion)
    lookups = [
        lookup for lookup in completion.lookups if key in (None, (lookup.entity, lookup.relation))
    ]
    shown: set[str] = set()
    for lookup in lookups:
        if lookup.fact_id is not None and lookup.fact_id not in shown:
            shown.add(lookup.fact_id)
            yield _hit_note(lookup, numbers[lookup.fact_id], exact)
    if misses:
        counts = Counter(
            (lookup.entity, lookup.relation, lookup.status)
            for lookup in lookups
            if lookup.fact_id is None
        )
        for (entity, relation, status), count in counts.items():
            yield _miss_note(entity, relation, status, count)


def _miss_note(entity: str, relation: str, status: str, count: int) -> Text:
    from rich.text import Text

    times = f", asked {count} times" if count > 1 else ""
    return Text.assemble(
        ("[–] ", MISS_STYLE),
        printable_line(f"{entity} · {relation} →") + " ",
        (f"no answer ({status}{times})", MISS_STYLE),
    )


def _hit_note(lookup: LookupRecord, number: int, exact: bool) -> Text:
    from rich.text import Text

    source = printable_line(lookup.source or "no source given")
    note = Text.assemble(
        (f"[{number}] ", NOTE_STYLE),
        printable_line(f"{lookup.entity} · {lookup.relation} →") + " ",
        (printable_line(lookup.value or ""), FACT_STYLE),
        (f"  {source}", "dim"),
    )
    match = match_of(lookup)
    if exact or match != _EXACT:
        note.append(f"; {match}", style="dim")
    if lookup.namespace:
        note.append(f"; of {printable_line('/'.join(lookup.namespace))}", style="dim")
    if lookup.status != "hit":
        note.append(f"; {lookup.status}", style=MISS_STYLE)
    return note


def match_of(lookup: LookupRecord) -> str:
    """Return how the names that the model wrote matched those in memory."""
    if lookup.match is None:
        return "no match"
    entity, relation = lookup.match.entity, lookup.match.relation
    if entity.kind == relation.kind:
        return f"match: {entity.kind}"
    return f"match: name {entity.kind}, relation {relation.kind}"


def _numbers(completion: Completion) -> dict[str, int]:
    """Return the number of each fact id, in the order of first use, counted from 1."""
    ids = dict.fromkeys(
        lookup.fact_id for lookup in completion.lookups if lookup.fact_id is not None
    )
    return {fact_id: number for number, fact_id in enumerate(ids, start=1)}
