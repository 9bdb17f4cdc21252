"""JSON lines: one object for each fact, alias and rule; nothing that a store holds is lost.

A file that is one JSON document instead, whatever its name, is read as `json_documents` has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import IO, Any, NoReturn

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.format import (
    Faults,
    Format,
    Item,
    LossReport,
    decoded,
    without_mark,
)
from lamlam.memory_backends.fact_formats.json_documents import begins_document, read_document
from lamlam.memory_backends.fact_formats.mcp import is_of_mcp, read_mcp
from lamlam.memory_backends.fact_formats.records import item_of, record_of
from lamlam.memory_backends.model.operations import AddAlias


def read(lines: Iterable[bytes], faults: Faults) -> Iterator[Item]:
    """Give what each line, or the one document, holds; aliases come last."""
    aliases: list[tuple[int, AddAlias]] = []
    lines = iter(lines)
    begun = begun_lines(lines)
    if is_document(begun):
        yield from read_document(chain(begun, lines), faults, aliases)
    else:
        yield from _of_lines(chain(begun, lines), faults, aliases)
    for faults.line, alias in aliases:
        yield alias


def _of_lines(
    lines: Iterable[bytes], faults: Faults, aliases: list[tuple[int, AddAlias]]
) -> Iterator[Item]:
    for number, line in enumerate(lines, 1):
        faults.line = number
        if number == 1:
            line = without_mark(line)
        if not line or line.isspace():
            continue
        try:
            record = json_object(decoded(line))
            if is_of_mcp(record):
                yield from read_mcp(record, faults)
                continue
            item = item_of(record, ignore_unknown=faults.ignore_unknown)
        except BadFact as error:
            faults.reject(error)
            continue
        if isinstance(item, AddAlias):
            aliases.append((number, item))
        else:
            yield item


def begun_lines(lines: Iterator[bytes]) -> list[bytes]:
    """Take lines until two have content, which say whether they belong together."""
    taken: list[bytes] = []
    n_full = 0
    for line in lines:
        taken.append(line)
        n_full += not without_mark(line).isspace()
        if n_full == 2:
            break
    return taken


def is_document(begun: list[bytes]) -> bool:
    """Return whether the first lines are those of one JSON document."""
    full = [line for one in begun if (line := without_mark(one).strip())]
    try:
        texts = [line.decode() for line in full]
    except UnicodeDecodeError:
        return False
    return bool(texts) and begins_document(texts[0], texts[1] if len(texts) > 1 else None)


def write(items: Iterable[Item], file: IO[bytes], lost: LossReport) -> None:
    """Write one line for each item."""
    for item in items:
        file.write(json.dumps(record_of(item), ensure_ascii=False).encode() + b"\n")


JSONL = Format("jsonl", read, write, suffixes=("json", "ndjson"))


def json_object(text: str) -> dict[str, Any]:
    """Return the JSON object that a text is; numbers with a point are read exactly.

    Raises:
        BadFact: it is not one, or a key stands in it twice.
    """
    try:
        value = json.loads(
            text, parse_float=Decimal, parse_constant=_refused, object_pairs_hook=_without_doubles
        )
    except json.JSONDecodeError as error:
        raise BadFact(
            f"invalid fact: the line is not a JSON object: {error.msg} at character {error.pos + 1}",
            hint="write one whole object on each line",
        ) from None
    except RecursionError:
        raise BadFact("invalid fact: the line nests too deep") from None
    except (ValueError, InvalidOperation):
        raise BadFact("invalid fact: a number in the line has too many digits") from None
    if not isinstance(value, dict):
        raise BadFact(
            "invalid fact: the line is JSON, but not an object",
            hint="write one whole object on each line",
        )
    return value


def _refused(constant: str) -> NoReturn:
    raise BadFact(f"invalid fact: {constant} is not a number")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        (double, *_) = (name for name in names if names.count(name) > 1)
        raise BadFact(f"invalid fact: the key {double[:60]!r} occurs twice on the line")
    return found
