"""A document of JSON as facts: an entity, whose name is its encoded key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from lamlam.memory_backends.model.clock import now
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.operations import Assert, Op, Retract
from lamlam.stored_documents.encoded_names import decoded, encoded

ITEM, TEXT, TIMES = "item", "searched text", "times"
"""The relations of a document: its value as JSON, what queries search, and when it was written."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A value of JSON under labels and a key."""

    labels: Namespace
    key: str
    value: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    text: str = ""
    """What queries search."""
    minutes: float | None = None
    """That it lives after it was last used."""

    @property
    def at(self) -> tuple[Namespace, str]:
        """What no other document has."""
        return self.labels, self.key


def changes_of(document: StoredDocument, place: Namespace) -> list[Op]:
    """Return what writes a document in a namespace, to live as long as it may from now on.

    Raises:
        TypeError: the value is not JSON.
    """
    minutes = document.minutes
    times = {
        "created": document.created_at.isoformat(),
        "updated": document.updated_at.isoformat(),
        "minutes": minutes,
    }
    values = {
        ITEM: json.dumps(document.value, ensure_ascii=False),
        TIMES: json.dumps(times),
        TEXT: " ".join(document.text.replace("\0", " ").split()),
    }
    name = encoded(document.key)
    end = None if minutes is None else now() + timedelta(minutes=minutes)
    facts = [
        Fact(entity=name, relation=one, value=value, namespace=place, valid_to=end)
        for one, value in values.items()
        if value
    ]
    return [*removal_of(document.key, place), *map(Assert, facts)]


def removal_of(key: str, place: Namespace) -> list[Op]:
    """Return what removes the document of a key from a namespace, if there is one."""
    name = encoded(key)
    return [Retract(name, one, namespace=place, exact=True) for one in (ITEM, TEXT, TIMES)]


def documents_of(facts: Iterable[Fact], n_root: int) -> Iterator[StoredDocument]:
    """Yield the documents that facts are of, which come together for each entity.

    Args:
        facts: of one namespace or several.
        n_root: how many parts of each namespace are not labels.
    """
    for (name, place), group in groupby(facts, key=lambda fact: (fact.entity, fact.namespace)):
        held = {fact.relation: str(fact.value) for fact in group}
        if ITEM in held and TIMES in held:
            times = json.loads(held[TIMES])
            yield StoredDocument(
                labels=tuple(map(decoded, place[n_root:])),
                key=decoded(name),
                value=json.loads(held[ITEM]),
                created_at=datetime.fromisoformat(times["created"]),
                updated_at=datetime.fromisoformat(times["updated"]),
                text=held.get(TEXT, ""),
                minutes=times["minutes"],
            )
