"""Training documents: text, the facts that it states, and where.

One JSON object a line: ``title``, ``text``, ``facts`` as ``[entity, relation,
value]`` triples and ``at``, the offset of each value in the text. ``by`` ("s":
the value comes from structured data, "r": a rule read it off the text),
``source``, ``person`` and ``other_facts`` are optional. This module imports
nothing heavy: the runtime's evaluation reads documents too.
"""

from __future__ import annotations

import gzip
import json
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from lamlam.errors import BadDocument
from lamlam.standard_input import standard_input


@dataclass(frozen=True, slots=True)
class StatedFact:
    """One fact and where in the text its value is."""

    entity: str
    relation: str
    value: str
    at: int
    """Offset of the value in the text, in ``str`` indices."""
    is_structured: bool = False
    """The value comes from a table or record, not from a rule."""


@dataclass(frozen=True, slots=True)
class Document:
    """One text about one entity; its facts are sorted by place and do not overlap."""

    title: str
    text: str
    facts: tuple[StatedFact, ...]
    other_facts: tuple[tuple[str, str, str], ...] = ()
    """Facts about the entity whose value the text does not state."""
    source: str = ""
    is_person: bool = False

    def triples(self) -> Iterator[tuple[str, str, str]]:
        """Yield every fact of the document as (entity, relation, value)."""
        for fact in self.facts:
            yield fact.entity, fact.relation, fact.value
        yield from self.other_facts


@dataclass(slots=True)
class _Fields:
    """The raw fields of one line."""

    title: str
    text: str
    facts: list[list[str]]
    at: list[int]
    by: str = ""
    other_facts: list[list[str]] = field(default_factory=list)
    source: str = ""
    person: bool = False


def parse_document(line: str, number: int = 1) -> Document:
    """Return the document that one JSON line holds.

    Raises:
        BadDocument: the line is not a document, or a value is not where ``at`` says.
    """
    try:
        raw: Any = json.loads(line)
        missing = [key for key in ("title", "text", "facts", "at") if key not in raw]
        if missing:
            raise ValueError(f"it has no {', no '.join(missing)}")
        known = {key: raw[key] for key in _Fields.__dataclass_fields__ if key in raw}
        fields = _Fields(**known)
        if not isinstance(fields.title, str) or not isinstance(fields.text, str):
            raise TypeError("title and text must be strings")
        if not all(type(at) is int and at >= 0 for at in fields.at):
            raise TypeError("at must be a list of whole numbers from 0 on")
        stated = [
            StatedFact(str(e), str(r), str(v), at, fields.by[i : i + 1] == "s")
            for i, ((e, r, v), at) in enumerate(zip(fields.facts, fields.at, strict=True))
        ]
        others = tuple((str(e), str(r), str(v)) for e, r, v in fields.other_facts)
    except (ValueError, TypeError, KeyError) as problem:
        raise BadDocument(
            f"line {number} is not a training document: {problem}",
            hint='a line is {"title", "text", "facts": [[entity, relation, value], ...], "at"}',
        ) from None
    end = 0
    for fact in sorted(stated, key=lambda fact: fact.at):
        if not fields.text.startswith(fact.value, fact.at) or fact.at < end or not fact.value:
            raise BadDocument(
                f"line {number}: {fact.value!r} is not at offset {fact.at}, "
                "or overlaps the value before it"
            )
        end = fact.at + len(fact.value)
    stated.sort(key=lambda fact: fact.at)
    return Document(
        fields.title, fields.text, tuple(stated), others, fields.source, bool(fields.person)
    )


@contextmanager
def open_text(path: Path | str) -> Iterator[TextIO]:
    """Open a text stream of a plain, ``.gz`` or ``.xz`` file; ``-`` is standard input."""
    if str(path) == "-":
        yield standard_input()
        return
    path = Path(path)
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            yield stream
    elif path.suffix == ".xz":
        with lzma.open(path, "rt", encoding="utf-8") as stream:
            yield stream
    else:
        with path.open(encoding="utf-8") as stream:
            yield stream


def name_of(path: Path | str) -> str:
    """Return how messages name a file of documents."""
    return "standard input" if str(path) == "-" else str(path)


def read_documents(path: Path | str) -> Iterator[Document]:
    """Yield the documents of a ``.jsonl``, ``.gz`` or ``.xz`` file; ``-`` is standard input.

    Raises:
        BadDocument: the file cannot be read, or a line is not a document.
    """
    try:
        with open_text(path) as lines:
            for number, line in enumerate(lines, 1):
                if number == 1:
                    line = line.removeprefix("\ufeff")  # the mark that some editors write
                if line.strip():
                    yield parse_document(line, number)
    except (OSError, EOFError, lzma.LZMAError, zlib.error, UnicodeDecodeError) as problem:
        # A system's own message names the file again.
        why = (problem.strerror if isinstance(problem, OSError) else None) or problem
        raise BadDocument(f"cannot read {name_of(path)}: {why}") from None
