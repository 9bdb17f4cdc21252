"""The database of the LMLM reference implementation: one JSON object of four lists.

``{"entities": […], "relationships": […], "return_values": […], "triplets": [[E, R, V], …]}``, as
its ``save_database`` writes it. Kept are entity, relation and the text of the value; a fact of
another namespace than the usual one is left out: the format could not tell it from the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import IO

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.format import (
    Faults,
    Format,
    Item,
    LossReport,
)
from lamlam.memory_backends.fact_formats.json_stream import JsonStream
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import Assert
from lamlam.memory_backends.model.values import ValueType

KEYS = ("entities", "relationships", "return_values", "triplets")


def read(lines: Iterable[bytes], faults: Faults) -> Iterator[Item]:
    """Give a fact for each triplet; the file is never in memory as a whole."""
    text = JsonStream(lines, faults, "a JSON object of an LMLM database")
    text.expect("{")
    missing = set(KEYS)
    while not text.skip("}"):
        if len(missing) < len(KEYS):
            text.expect(",")
        key = text.value()
        text.expect(":")
        if key not in missing:
            raise faults.stop(
                f"{str(key)[:40]!r} is not a key of an LMLM database, or stands there twice",
                f"it has {', '.join(KEYS)}",
            )
        missing.remove(key)
        for element in text.elements():
            if key == "triplets":
                try:
                    yield Assert(fact_of_triplet(element))
                except BadFact as error:
                    faults.reject(error)
    if missing:
        raise faults.stop(f"the LMLM database lacks {', '.join(sorted(missing))}")
    if not text.is_over():
        raise faults.stop("something follows the database")


def write(items: Iterable[Item], file: IO[bytes], lost: LossReport) -> None:
    """Write the texts of all facts, each triplet once for each entity."""
    names: dict[str, dict[str, None]] = {key: {} for key in KEYS[:3]}
    seen: set[tuple[str, str, str]] = set()
    entity = ""
    file.write(b'{\n    "triplets": [')
    mark = b"\n"
    for item in items:
        if not isinstance(item, Assert):
            lost.note_beside(item)
            continue
        fact = item.fact
        if fact.namespace:
            lost.note("facts of other namespaces")
            continue
        _note_what_is_lost(fact, lost)
        triplet = fact.entity, fact.relation, fact.surface
        if fact.entity != entity:
            entity = fact.entity
            seen.clear()
        if triplet in seen:
            lost.note("facts that differ in their period alone")
            continue
        seen.add(triplet)
        for key, text in zip(KEYS[:3], triplet, strict=True):
            names[key][text] = None
        file.write(mark + b"        " + _json(triplet))
        mark = b",\n"
    file.write(b"\n    ]")
    for key, texts in names.items():
        file.write(b",\n    " + _json(key) + b": " + _json(list(texts)))
    file.write(b"\n}\n")


LMLM = Format("lmlm", read, write, is_one_text=True)


def _note_what_is_lost(fact: Fact, lost: LossReport) -> None:
    if fact.type is not ValueType.TEXT:
        lost.note("types of values")
    if fact.sources:
        lost.note("facts' sources")
    if fact.confidence != 1.0:
        lost.note("confidences")
    if fact.valid_from is not None or fact.valid_to is not None:
        lost.note("periods")


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def fact_of_triplet(triplet: object) -> Fact:
    """Return the fact of a list of three texts.

    Raises:
        BadFact: it is not one.
    """
    if not isinstance(triplet, list) or len(triplet) != 3:
        raise BadFact("invalid fact: a triplet must be a list of three strings")
    entity, relation, value = triplet
    if not isinstance(value, str):
        raise BadFact(f"invalid fact: value must be a string, got {type(value).__name__}")
    return Fact(entity=entity, relation=relation, value=value)
