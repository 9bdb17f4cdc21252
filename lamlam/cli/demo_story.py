"""The demo's choices: which texts to show, and which fact to change and forget."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamlam.errors import EngineError

if TYPE_CHECKING:
    from lamlam.memory_backends.model.operations import ErasureReceipt
    from lamlam.memory_backends.protocol import FactStore
    from lamlam.runtime.decoding.completion import Completion
    from lamlam.runtime.decoding.spans import LookupRecord

Write = Callable[[str], Awaitable["Completion"]]

# Openings in the style of the training text, the best known names first. Which of
# them are shown depends on what memory knows and on what the model makes of it.
OPENINGS: dict[str, tuple[tuple[str, str], ...]] = {
    "person": (
        ("Elvis Presley", "Elvis Presley (born"),
        ("Marilyn Monroe", "Marilyn Monroe (born"),
        ("Barack Obama", "Barack Obama was born in"),
        ("Usain Bolt", "Usain Bolt (born"),
        ("Jeannette Rankin", "Jeannette Rankin, a Representative from"),
        ("John Quincy Adams", "John Quincy Adams, a Senator from"),
    ),
    "film": (
        ("The Godfather", "The Godfather is a"),
        ("Rear Window", "Rear Window is a"),
        ("Modern Times", "Modern Times is a"),
        ("Citizen Kane", "Citizen Kane is a"),
        ("Back to the Future", "Back to the Future is a"),
    ),
    "place": (
        ("Norway", "Norway is a"),
        ("Kyoto", "Kyoto is a city in"),
        ("Oslo", "Oslo is the capital of"),
        ("Florence", "Florence is a city in"),
        ("Lisbon", "Lisbon is the capital of"),
        ("Istanbul", "Istanbul is a city in"),
    ),
}
# A name that also stands for something else ("Lisbon" is a film too) would mix the two.
_OTHER_KINDS = {
    "person": {"director", "genre", "artist", "population"},
    "film": {"population", "birth date", "artist", "park"},
    "place": {"director", "genre", "artist", "birth date"},
}

# Relations whose change anyone sees at once, the plainest first, each with a value
# that no memory holds.
NEW_VALUES = {
    "director": "Ada Quill",
    "birth place": "Lowmere, on the Moon",
    "birth date": "30 February 2093",
    "release year": "2093",
    "country": "Atlantis",
    "capital of": "Atlantis",
    "state": "Atlantis",
    "starring": "Ada Quill and Bob Ferris",
    "nationality": "Lunar",
    "occupation": "lamplighter",
    "population": "three",
}
SAID_BY = "lamlam demo"
_ENOUGH_FACTS = 3
_MOST_TRIED = 3  # texts of one kind: a newcomer waits for them


@dataclass(frozen=True, slots=True)
class Edit:
    """One fact that was changed and then forgotten, with what the model wrote each time."""

    entity: str
    relation: str
    old_value: str
    new_value: str
    old_source: str | None
    before: Completion
    changed: Completion
    forgotten: Completion
    receipt: ErasureReceipt


class DemoFailed(EngineError):
    """The model did not use memory for any of the openings."""


async def write_about(kind: str, store: FactStore, write: Write) -> Completion | None:
    """Return the first text with enough looked-up values, or the one with most; None if all have none."""
    best: Completion | None = None
    most = n_tried = 0
    for entity, prompt in OPENINGS[kind]:
        view = store.describe_nowait(entity, fuzzy=False)
        if view is None or not _OTHER_KINDS[kind].isdisjoint(view.relations):
            continue
        if n_tried == _MOST_TRIED:
            break
        n_tried += 1
        completion = await write(prompt)
        n_facts = sum(span.origin == "fact" for span in completion.spans)
        if n_facts > most:
            best, most = completion, n_facts
        if most >= _ENOUGH_FACTS:
            break
    return best


async def edit_and_forget(texts: Sequence[Completion], store: FactStore, write: Write) -> Edit:
    """Replace a fact of one of the texts, then erase it, so that both show in the text.

    A fact whose change does not show (the value is in the text by chance, or the
    model then asks for something else) is put back and the next one is tried.

    Raises:
        DemoFailed: no change of a fact showed in the texts.
    """
    from lamlam.memory_backends.model.facts import Fact
    from lamlam.memory_backends.model.operations import Replace

    for before, lookup, new_value in _changeable(texts):
        old_value = lookup.value or ""
        fact = Fact(entity=lookup.entity, relation=lookup.relation, value=new_value, source=SAID_BY)
        await store.apply([Replace(fact)])
        changed = await write(prompt_of(before))
        if new_value in changed.text and old_value not in changed.text:
            receipt = await store.erase(lookup.entity, lookup.relation, reason="demo")
            forgotten = await write(prompt_of(before))
            if new_value not in forgotten.text and old_value not in forgotten.text:
                return Edit(
                    entity=lookup.entity,
                    relation=lookup.relation,
                    old_value=old_value,
                    new_value=new_value,
                    old_source=lookup.source,
                    before=before,
                    changed=changed,
                    forgotten=forgotten,
                    receipt=receipt,
                )
        await store.apply([Replace(fact.model_copy(update={"value": old_value}))])
    raise DemoFailed("no looked-up fact of these texts could be changed and forgotten")


def _changeable(
    texts: Sequence[Completion],
) -> Iterator[tuple[Completion, LookupRecord, str]]:
    """Yield hits whose relation has a new value, in the order of ``NEW_VALUES``, then of the texts."""
    for relation, new_value in NEW_VALUES.items():
        for completion in texts:
            for lookup in completion.lookups:
                if lookup.relation.lower() != relation or lookup.value is None:
                    continue
                if lookup.value not in prompt_of(completion):
                    yield completion, lookup, new_value


def prompt_of(completion: Completion) -> str:
    """Return the prompt of the text."""
    first = completion.spans[0]
    return completion.text[: first.end] if first.origin == "prompt" else ""
