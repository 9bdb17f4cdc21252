"""A completion as people read it: values from memory stand out, and notes say where they came from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from lamlam.cli.output import printable

if TYPE_CHECKING:
    from rich.text import Text

    from lamlam.runtime.completion import Completion, LookupRecord

PROMPT_STYLE = "dim"
FACT_STYLE = "bold green"
NOTE_STYLE = "green"
MISS_STYLE = "yellow"


def marked_text(completion: Completion, *, end: int | None = None, notes: bool = True) -> Text:
    """The text up to ``end`` with its values coloured and, if wanted, followed by ``[1]``, ``[2]``, ...

    The numbers are those of ``lookup_notes``.
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


def lookup_notes(completion: Completion) -> Iterator[Text]:
    """One line for each lookup: number, key, value, source and how the names matched; or the miss."""
    from rich.text import Text

    numbers = _numbers(completion)
    for lookup in completion.lookups:
        line = Text()
        if lookup.fact_id is not None:
            line.append(f"[{numbers[lookup.fact_id]}] ", style=NOTE_STYLE)
            line.append(printable(f"{lookup.entity} · {lookup.relation} → "))
            line.append(printable(lookup.value or ""), style=FACT_STYLE)
            source = printable(lookup.source or "no source given")
            line.append(f"  {source}; {match_of(lookup)}", style="dim")
            if lookup.status != "hit":
                line.append(f"; {lookup.status}", style=MISS_STYLE)
        else:
            line.append("[–] ", style=MISS_STYLE)
            line.append(printable(f"{lookup.entity} · {lookup.relation} → "))
            line.append(f"no answer ({lookup.status})", style=MISS_STYLE)
        yield line


def match_of(lookup: LookupRecord) -> str:
    """How the names that the model wrote were matched with those in memory."""
    if lookup.match is None:
        return "no match"
    entity, relation = lookup.match.entity, lookup.match.relation
    if entity.kind == relation.kind:
        return f"match: {entity.kind}"
    return f"match: name {entity.kind}, relation {relation.kind}"


def _numbers(completion: Completion) -> dict[str, int]:
    """Fact ids in the order in which the text first used them, counted from 1."""
    ids = dict.fromkeys(
        lookup.fact_id for lookup in completion.lookups if lookup.fact_id is not None
    )
    return {fact_id: number for number, fact_id in enumerate(ids, start=1)}
