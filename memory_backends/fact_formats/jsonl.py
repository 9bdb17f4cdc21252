"""JSON lines: one object for each fact, alias and rule; nothing that a store holds is lost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
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
from lamlam.memory_backends.fact_formats.records import item_of, record_of
from lamlam.memory_backends.model.operations import AddAlias


def read(lines: Iterable[bytes], faults: Faults) -> Iterator[Item]:
    """Give what each line holds; empty lines are skipped, aliases come last."""
    aliases: list[tuple[int, AddAlias]] = []
    for number, line in enumerate(lines, 1):
        faults.line = number
        if number == 1:
            line = without_mark(line)
        if not line or line.isspace():
            continue
        try:
            item = item_of(json_object(decoded(line)), ignore_unknown=faults.ignore_unknown)
        except BadFact as error:
            faults.reject(error)
            continue
        if isinstance(item, AddAlias):
            aliases.append((number, item))
        else:
            yield item
    for faults.line, alias in aliases:
        yield alias


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
