"""One JSON document of facts: a list, an object of lists, or a map from entities to relations.

What a document is, its first keys say: ``{"facts": […]}``, the lists of an LMLM database, the
graph of the MCP memory server, a fact by itself, or ``{"Ada": {"born in": "London", "award": […]}}``.
Several documents may follow each other, as `jq` writes them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.format import Faults, Item
from lamlam.memory_backends.fact_formats.json_stream import DoubledKeys, JsonStream
from lamlam.memory_backends.fact_formats.lmlm import fact_of_triplet
from lamlam.memory_backends.fact_formats.mcp import is_of_mcp, read_mcp
from lamlam.memory_backends.fact_formats.records import TELLING, item_of
from lamlam.memory_backends.model.operations import AddAlias, Assert

_Element: TypeAlias = Any
"""JSON that is not checked yet."""
_MOST_PENDING = 64
"""Keys that are kept until one says what the document is."""
_SHOWN = 5
_GOES_ON = ("{", "[", ",", ":", "}", "]", '"')
_MORE = re.compile(r'["{}\[\]\d,:tfn-]')
_SHAPES = (
    'write a list of {"entity", "relation", "value"} or ["Ada Lovelace", "birth place", "London"],'
    ' {"facts": [that list]} or {"Ada Lovelace": {"birth place": "London"}}'
)
_EXPECTED = "JSON: one document of facts, or one object on each line"


def begins_document(first: str, second: str | None) -> bool:
    """Return whether the first lines with content belong to a document, not each to a fact.

    Args:
        first: the first line with content.
        second: the next; ``None`` where there is no other.
    """
    if not first.startswith(("{", "[")):
        return False
    try:
        whole = json.loads(first)
    except json.JSONDecodeError as error:
        # What a line lacks stands on the next one, unless that is whole.
        is_cut_off = error.pos >= len(first) - 1 and first.endswith(_GOES_ON)
        if not is_cut_off or second is None or not _MORE.match(second):
            return False
        return first.startswith("[") or not _is_whole(second)
    except (ValueError, RecursionError):
        return False
    if isinstance(whole, list):
        return all(isinstance(one, list | dict) for one in whole[:1])
    if _is_record(whole):
        return False
    if any(key in _LISTS and isinstance(value, list) for key, value in whole.items()):
        return True
    return second is None and bool(whole) and _is_map(whole)


def read_document(
    lines: Iterable[bytes], faults: Faults, aliases: list[tuple[int, AddAlias]]
) -> Iterator[Item]:
    """Give the facts and rules of one document or several; aliases go into the list.

    Raises:
        BadFact: it is not JSON, or holds something else.
    """
    text = JsonStream(lines, faults, _EXPECTED)
    while not text.is_over():
        if text.next_mark() == "[":
            elements: Iterator[list[Item]] = _items(text.elements(), _of_element, faults)
        elif text.next_mark() == "{":
            elements = _of_object(text, faults)
        else:
            text.value()
            raise faults.stop("the file is JSON, but not a list or an object", _SHAPES)
        for items in elements:
            for item in items:
                if isinstance(item, AddAlias):
                    aliases.append((faults.line, item))
                else:
                    yield item


def _items(
    elements: Iterable[_Element],
    read: Callable[[_Element, Faults], list[Item]],
    faults: Faults,
) -> Iterator[list[Item]]:
    for element in elements:
        try:
            yield read(element, faults)
        except BadFact as error:
            faults.reject(error)


def _of_object(text: JsonStream, faults: Faults) -> Iterator[list[Item]]:
    """Give the facts of an object, as soon as it is known what it is."""
    pending: dict[str, _Element] = {}
    is_listed = is_map = False
    text.expect("{")
    n_keys = 0
    while not text.skip("}"):
        if n_keys:
            text.expect(",")
        n_keys += 1
        key = text.value()
        if not isinstance(key, str):
            raise faults.stop(f"the file is not {_EXPECTED}")
        text.expect(":")
        if key in _LISTS and not is_map and text.next_mark() == "[":
            is_listed = True
            yield from _items(text.elements(), _LISTS[key], faults)
            continue
        value = text.value()
        if is_map:
            yield from _of_map([(key, value)], faults)
            continue
        if key in pending:
            pending = DoubledKeys(pending)
        pending[key] = value
        if len(pending) >= _MOST_PENDING and not is_listed and _is_map(pending):
            is_map = True
            yield from _of_map(pending.items(), faults)
            pending = {}
    if is_listed:
        faults.left.note("other keys of the document", len(pending))
    elif pending and not _is_record(pending) and _is_map(pending):
        if isinstance(pending, DoubledKeys):
            raise faults.stop("an entity stands twice in the document", "write it once")
        yield from _of_map(pending.items(), faults)
    elif not is_map:
        yield from _items([pending], _of_element, faults)


def _of_element(element: _Element, faults: Faults) -> list[Item]:
    """Return what an element of a list holds: a fact, an alias, a rule, or a triple."""
    if isinstance(element, list):
        if len(element) != 3:
            raise BadFact(
                f"invalid fact: a list must be entity, relation and value, got {len(element)} items",
                hint=_SHAPES,
            )
        element = dict(zip(("entity", "relation", "value"), element, strict=True))
    if not isinstance(element, dict):
        raise BadFact(
            f"invalid fact: a fact must be an object, got {type(element).__name__}", hint=_SHAPES
        )
    _check_keys(element)
    if is_of_mcp(element):
        return read_mcp(element, faults)
    if not _TELLING_MORE & element.keys():
        keys = ", ".join(repr(key[:30]) for key in list(element)[:_SHOWN])
        raise BadFact(
            f"invalid fact: the keys are {keys}" if keys else "invalid fact: the object is empty",
            hint=_SHAPES,
        )
    return [item_of(element, ignore_unknown=faults.ignore_unknown)]


def _of_map(pairs: Iterable[tuple[str, _Element]], faults: Faults) -> Iterator[list[Item]]:
    """Give the facts of entities of a map: each relation has a value, or a list of them.

    A bad value is left out by itself, as a line of its own would be.
    """
    for entity, relations in pairs:
        if isinstance(relations, list):
            yield from _items([{"entity": entity, **one} for one in relations], _of_element, faults)
        elif isinstance(relations, DoubledKeys):
            yield from _items([relations], _of_element, faults)  # says so
        else:
            values = (
                (entity, relation, value)
                for relation, given in relations.items()
                for value in (given if isinstance(given, list) else [given])
            )
            yield from _items(values, _of_value, faults)


def _of_value(said: tuple[str, str, _Element], faults: Faults) -> list[Item]:
    """Return the fact of a value of a map."""
    entity, relation, value = said
    if value is None:
        faults.left.note("empty values")
        return []
    if isinstance(value, dict):
        _check_keys(value)
    try:
        return [item_of({"entity": entity, "relation": relation, "value": value})]
    except BadFact as error:
        where = f"{error} (of {entity[:40]!r}, {relation[:40]!r})"
        raise BadFact(where, hint=error.hint) from None


def _check_keys(given: _Element) -> None:
    """Raise where a key of an object stands twice.

    Raises:
        BadFact: one does.
    """
    if isinstance(given, DoubledKeys):
        raise BadFact(
            "invalid fact: a key stands twice in an object", hint="several values are a list"
        )


def _is_map(given: Mapping[str, _Element]) -> bool:
    """Return whether an object can be a map from entities to what is said of them."""
    return all(
        isinstance(said, dict) or (isinstance(said, list) and said and _have_relations(said))
        for said in given.values()
    )


def _have_relations(given: list[_Element]) -> bool:
    return all(isinstance(one, dict) and "relation" in one for one in given)


def _is_record(given: Mapping[str, _Element]) -> bool:
    """Return whether an object is a fact, an alias or a rule by itself, if a wrong one."""
    if is_of_mcp(dict(given)):
        return True
    telling = _TELLING_MORE & given.keys()
    return bool(telling) and not all(isinstance(given[key], dict) for key in telling)


def _is_whole(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return line.startswith("{")


def _of_mcp_entity(element: _Element, faults: Faults) -> list[Item]:
    if isinstance(element, str):  # of an LMLM database, whose triplets name it
        return []
    return read_mcp(element, faults, "entity")


def _of_mcp_relation(element: _Element, faults: Faults) -> list[Item]:
    return read_mcp(element, faults, "relation")


def _of_triplet(element: _Element, _: Faults) -> list[Item]:
    return [Assert(fact_of_triplet(element))]


def _nothing(_: _Element, __: Faults) -> list[Item]:
    return []


_TELLING_MORE = TELLING | {"relation"}
_LISTS: dict[str, Callable[[_Element, Faults], list[Item]]] = {
    "facts": _of_element,
    "aliases": _of_element,
    "rules": _of_element,
    "entities": _of_mcp_entity,
    "relations": _of_mcp_relation,
    "triplets": _of_triplet,
    "triples": _of_element,
    "relationships": _nothing,
    "return_values": _nothing,
}
"""What a list under this key of a document holds."""
