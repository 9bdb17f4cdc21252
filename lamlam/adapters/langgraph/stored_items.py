"""Items as facts: an entity for each, whose name is its encoded key."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import unquote

from langgraph.store.base import Item, SearchItem

from lamlam.memory_backends.model.clock import now
from lamlam.memory_backends.model.facts import Fact, Namespace
from lamlam.memory_backends.model.operations import Assert, Op, Retract

ITEM, TEXT, TIMES = "item", "searched text", "times"
"""The relations of an item: its value as JSON, what queries search, and when it was written."""
_UNSAFE = re.compile(r"[^a-z0-9.~@:-]")


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item, and the facts that it is made of."""

    item: SearchItem
    place: Namespace
    values: dict[str, str]
    """By relation."""
    minutes: float | None
    """That it lives after it was last used."""

    def plain(self) -> Item:
        """Return the item as `BaseStore.get` does."""
        held: dict[str, Any] = {name: getattr(self.item, name) for name in Item.__slots__}
        return Item(**held)

    def refreshed(self) -> list[Op]:
        """Return what lets it live as long again from now on."""
        if self.minutes is None:
            return []
        return changes_of(self.item.key, self.place, self.values, self.minutes)


def encoded(text: str) -> str:
    """Return a name that no other text has, however a memory unifies spellings.

    >>> encoded("Note_A"), encoded("note a"), decoded(encoded("Note_A"))
    ('%4eote%5f%41', 'note%20a', 'Note_A')
    """
    coded = _UNSAFE.sub(lambda found: _hexed(found[0]), text)
    return coded or "%"


def _hexed(sign: str) -> str:
    return "".join(f"%{byte:02x}" for byte in sign.encode("utf-8", "surrogatepass"))


def decoded(name: str) -> str:
    """Return the text that `encoded` made a name of."""
    return "" if name == "%" else unquote(name, errors="surrogatepass")


def changes_of(
    key: str, place: Namespace, values: Mapping[str, str], minutes: float | None
) -> list[Op]:
    """Return what makes an item of these values, and of none else; without values, of none."""
    name = encoded(key)
    end = None if minutes is None else now() + timedelta(minutes=minutes)
    ended = [Retract(name, one, namespace=place, exact=True) for one in (ITEM, TEXT, TIMES)]
    facts = [
        Fact(entity=name, relation=one, value=value, namespace=place, valid_to=end)
        for one, value in values.items()
        if value
    ]
    return [*ended, *map(Assert, facts)]


def items_of(facts: Iterable[Fact], n_root: int) -> list[StoredItem]:
    """Return the items that facts are of, which come together for each entity.

    Args:
        n_root: how many parts of each namespace are not labels.
    """
    found = []
    for (name, place), group in groupby(facts, key=lambda fact: (fact.entity, fact.namespace)):
        held = {fact.relation: str(fact.value) for fact in group}
        if ITEM in held and TIMES in held:
            times = json.loads(held[TIMES])
            item = SearchItem(
                tuple(map(decoded, place[n_root:])),
                decoded(name),
                json.loads(held[ITEM]),
                datetime.fromisoformat(times["created"]),
                datetime.fromisoformat(times["updated"]),
            )
            found.append(StoredItem(item, place, held, times["minutes"]))
    return found
