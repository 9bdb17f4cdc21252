"""Cypher: a script of one statement a line, which any Neo4j runs and `read` reads back.

Each statement begins with a map of literals and goes on with fixed text: names and values are in
the map alone, quoted, so none of them can become Cypher. Entities are ``:ExportedEntity``, a fact
is a ``:FACT`` to another entity or to an ``:ExportedValue``. Running the script again adds nothing.
Reading takes statements of this very shape and runs nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import IO, Any

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.format import (
    Faults,
    Format,
    Item,
    LossReport,
    decoded,
    without_mark,
)
from lamlam.memory_backends.fact_formats.records import item_of, record_of
from lamlam.memory_backends.fact_formats.typed_texts import typed_text, value_from
from lamlam.memory_backends.model.keys import canonical_key
from lamlam.memory_backends.model.namespaces import parsed, written
from lamlam.memory_backends.model.operations import AddAlias, Assert, DefineRelation
from lamlam.memory_backends.model.values import EntityRef, as_json

_HEAD = (
    "CREATE INDEX exported_entity IF NOT EXISTS FOR (e:ExportedEntity) ON (e.key);",
    "CREATE INDEX exported_alias IF NOT EXISTS FOR (a:ExportedAlias) ON (a.alias);",
)
_SUBJECT = (
    " AS row MERGE (e:ExportedEntity {key: row.key, namespace: row.namespace})"
    " ON CREATE SET e.name = row.entity"
)
_EDGE = "[f:FACT {relation: row.relation, value: row.value, type: row.type, begin: row.begin}]"
_REST = (
    " SET f.surface = row.surface, f.sources = row.sources, f.confidence = row.confidence,"
    " f.valid_from = row.valid_from, f.valid_to = row.valid_to;"
)
_FACT = f"{_SUBJECT} MERGE (e)-{_EDGE}->(:ExportedValue {{text: row.surface}}){_REST}"
_FACT_ABOUT_ENTITY = (
    f"{_SUBJECT} MERGE (o:ExportedEntity {{key: row.other, namespace: row.namespace}})"
    f" ON CREATE SET o.name = row.value MERGE (e)-{_EDGE}->(o){_REST}"
)
_ALIAS = (
    f"{_SUBJECT} MERGE (a:ExportedAlias {{alias: row.alias, namespace: row.namespace}})"
    " MERGE (a)-[:NAMES]->(e);"
)
_RULE = (
    " AS row MERGE (r:ExportedRelation {name: row.relation})"
    " SET r.cardinality = row.cardinality, r.type = row.type, r.inverse = row.inverse;"
)
_WITH = "WITH {"
_NAME = re.compile(r"([a-z_]+): ")
_ESCAPE = re.compile(r"\\(?:\\(u)?|.)")
_DECODER = json.JSONDecoder(strict=False)
_DERIVED = ("key", "other", "begin")
"""What a statement needs besides the fields of what it says."""


def read(lines: Iterable[bytes], faults: Faults) -> Iterator[Item]:
    """Give what each statement says; comments and the statements for indexes are passed over."""
    aliases: list[tuple[int, AddAlias]] = []
    for faults.line, line in enumerate(lines, 1):
        try:
            text = decoded(without_mark(line) if faults.line == 1 else line).rstrip("\r\n")
            if not text.strip() or text.startswith("//") or text in _HEAD:
                continue
            item = _item(text)
        except BadFact as error:
            faults.reject(error)
            continue
        if isinstance(item, AddAlias):
            aliases.append((faults.line, item))
        else:
            yield item
    for faults.line, alias in aliases:
        yield alias


def write(items: Iterable[Item], file: IO[bytes], lost: LossReport) -> None:
    """Write one statement a line."""
    file.write("".join(f"{line}\n" for line in _HEAD).encode())
    for item in items:
        file.write(f"{_statement(item)}\n".encode())


CYPHER = Format("cypher", read, write, suffixes=("cql",))


def _statement(item: Item) -> str:
    row = record_of(item)
    match item:
        case Assert(fact):
            kind, text = typed_text(fact.value)
            row |= {
                "value": text,
                "type": kind.value,
                "surface": fact.surface,
                "sources": list(fact.sources),
                "confidence": fact.confidence,
                "namespace": written(fact.namespace),
                "key": canonical_key(fact.entity),
                "begin": row.get("valid_from", ""),
            }
            row.pop("source", None)
            if isinstance(fact.value, EntityRef):
                row["other"] = canonical_key(fact.value.name)
                return _map(row) + _FACT_ABOUT_ENTITY
            return _map(row) + _FACT
        case AddAlias(entity, _, namespace):
            row |= {"namespace": written(namespace), "key": canonical_key(entity)}
            return _map(row) + _ALIAS
        case DefineRelation():
            return _map(row) + _RULE


def _map(row: dict[str, Any]) -> str:  # Any: text, number or list of texts
    return _WITH + ", ".join(f"{name}: {_quoted(value)}" for name, value in row.items()) + "}"


def _quoted(value: object) -> str:
    """Return a literal that is the same to JSON and to Cypher.

    Neo4j 5 takes a backslash and a ``u`` for the begin of a character's number wherever they
    stand, after another backslash too: they are kept apart by ending the text between them.
    """
    return _ESCAPE.sub(
        lambda match: '\\\\" + "u' if match[1] else match[0], json.dumps(value, ensure_ascii=False)
    )


def _item(line: str) -> Item:
    row, rest = _row(line)
    if rest in (_FACT, _FACT_ABOUT_ENTITY):
        kind = row.pop("type", None)
        row["value"] = as_json(value_from(_text(kind), _text(row.get("value"))))
    elif rest not in (_ALIAS, _RULE):
        raise BadFact(
            "invalid fact: the line is not a statement that export writes",
            hint="other Cypher is not read; run it in Neo4j, and read the facts from there",
        )
    if rest != _RULE:
        row["namespace"] = list(parsed(_text(row.get("namespace"))))
    item = item_of({name: value for name, value in row.items() if name not in _DERIVED})
    expected = {_ALIAS: AddAlias, _RULE: DefineRelation}.get(rest, Assert)
    if not isinstance(item, expected):
        raise BadFact("invalid fact: the map does not fit the statement")
    return item


def _row(line: str) -> tuple[dict[str, Any], str]:
    """Return the map that the statement begins with, and the rest of it."""
    row: dict[str, Any] = {}
    at, is_open = len(_WITH), line.startswith(_WITH)
    while is_open:
        match = _NAME.match(line, at)
        if match is None or match[1] in row:
            break
        try:
            value, at = _literal(line, match.end())
        except (ValueError, RecursionError):
            break
        row[match[1]] = value
        if line.startswith("}", at):
            return row, line[at + 1 :]
        is_open = line.startswith(", ", at)
        at += 2
    raise BadFact(
        "invalid fact: the line is not a statement that export writes",
        hint="other Cypher is not read; run it in Neo4j, and read the facts from there",
    )


def _literal(line: str, at: int) -> tuple[Any, int]:
    """Return one literal, its parts joined, and where it ends."""
    if not line.startswith("[", at):
        return _joined(line, at)
    values: list[Any] = []
    at += 1
    while not line.startswith("]", at):
        value, at = _joined(line, at)
        values.append(value)
        if line.startswith(", ", at):
            at += 2
        elif not line.startswith("]", at):
            raise ValueError
    return values, at + 1


def _joined(line: str, at: int) -> tuple[Any, int]:
    value, at = _DECODER.raw_decode(line, at)
    while isinstance(value, str) and line.startswith(' + "', at):
        more, at = _DECODER.raw_decode(line, at + 3)
        value += more
    return value, at


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BadFact("invalid fact: a string is missing in the map")
    return value
