"""Training documents: text, the facts that it states, and where.

One JSON object a line: ``title``, ``text``, ``facts`` as ``[entity, relation,
value]`` triples and ``at``, the offset of each value in the text. ``by`` ("s":
the value comes from structured data, "r": a rule read it off the text),
``source``, ``person``, ``other_facts`` and ``cut`` (whether the text goes on
where it was taken from) are optional, and so are ``told`` (how many of the first
facts the text tells by itself, without a lookup) and ``unanswered`` (``[entity,
relation, offset]`` of lookups that memory has no answer for). An ``at`` of -1 says that the text
does not have the value. This module imports nothing heavy: the runtime's
evaluation reads documents too.
"""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO, cast

from lamlam.errors import BadDocument
from lamlam.packed_files import UNPACKING_ERRORS, packing_of, unpacked
from lamlam.standard_input import standard_input

log = logging.getLogger(__name__)

NOT_STATED = -1
"""``at`` of a value that the text does not have word for word."""
LONGEST_LINE = 16 << 20
"""Characters of a line that is read; one that is longer is no document, whatever it holds."""
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
UNREADABLE: tuple[type[Exception], ...] = (OSError, UnicodeDecodeError, *UNPACKING_ERRORS)
"""What a file that is no text, or cannot be opened, raises while it is read."""


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
class UnansweredLookup:
    """A lookup that memory has no answer for; the text goes on without a value."""

    entity: str
    relation: str
    at: int
    """Offset in the text before which it is made."""


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
    is_cut: bool | None = None
    """Whether the text goes on where it was taken from; None where nobody says."""
    told: int | None = None
    """How many of the first facts the text tells by itself, as a user's prompt does: their values
    are neither looked up nor learnt. None: training draws it, and may exchange the title."""
    unanswered: tuple[UnansweredLookup, ...] = ()
    """In the order of the text, outside values."""
    turns: tuple[tuple[str, str], ...] = ()
    """Role and content of the messages of a chat, which is no text of its own."""

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
    cut: bool | None = None
    told: int | None = None
    unanswered: list[list[str | int]] = field(default_factory=list)


def parse_document(line: str, number: int = 1) -> Document:
    """Return the document that one JSON line holds.

    Of values that overlap, the first is stated (the longer of two at one place);
    the facts of the others become ``other_facts``, and so do those at -1.

    Raises:
        BadDocument: the line is not a document, or a value is not where ``at`` says.
    """
    return _parse(line, number)[0]


def _parse(line: str, number: int) -> tuple[Document, int]:
    """Return the document of a line, and how many of its values overlap the one before."""
    try:
        fields = _read_fields(line)
        stated = [
            StatedFact(e, r, v, at, fields.by[i : i + 1] == "s")
            for i, ((e, r, v), at) in enumerate(
                zip(map(_triple, fields.facts), fields.at, strict=True)
            )
        ]
        others = [_triple(fact) for fact in fields.other_facts]
        unanswered = [_unanswered(one, fields.text) for one in fields.unanswered]
    except (ValueError, TypeError, KeyError, RecursionError) as problem:
        raise BadDocument(
            f"line {number} is not a training document: {problem}",
            hint='a line is {"title", "text", "facts": [[entity, relation, value], ...], "at"}',
        ) from None
    kept: list[StatedFact] = []
    n_overlapping = end = 0
    for fact in sorted(stated, key=lambda fact: (fact.at, -len(fact.value))):
        if fact.at == NOT_STATED:
            others.append((fact.entity, fact.relation, fact.value))
            continue
        if not fact.value or not fields.text.startswith(fact.value, fact.at):
            raise BadDocument(
                f"line {number}: {fact.value!r} is not at offset {fact.at} of the text",
                hint=_right_place(fact, fields.text),
            )
        if fact.at < end:
            n_overlapping += 1
            others.append((fact.entity, fact.relation, fact.value))
            continue
        kept.append(fact)
        end = fact.at + len(fact.value)
    document = Document(
        fields.title,
        fields.text,
        tuple(kept),
        tuple(others),
        fields.source,
        bool(fields.person),
        fields.cut,
        fields.told,
        tuple(
            one
            for one in sorted(unanswered, key=lambda one: one.at)
            if not any(fact.at < one.at < fact.at + len(fact.value) for fact in kept)
        ),
    )
    return document, n_overlapping


def _read_fields(line: str) -> _Fields:
    raw: Any = json.loads(line)
    if not isinstance(raw, dict):
        raise TypeError("it is not a JSON object")
    missing = [key for key in ("title", "text", "facts", "at") if key not in raw]
    if missing:
        raise ValueError(f"it has no {', no '.join(missing)}")
    known = {key: raw[key] for key in _Fields.__dataclass_fields__ if raw.get(key) is not None}
    fields = _Fields(**known)
    for name in ("title", "text", "by", "source"):
        if not isinstance(getattr(fields, name), str):
            raise TypeError(f"{name} must be a string")
    if not all(type(at) is int and at >= NOT_STATED for at in fields.at):
        raise TypeError(
            "at must be a list of whole numbers from 0 on, or -1 for a value not stated"
        )
    if fields.cut not in (True, False, None):
        raise TypeError("cut must be true or false")
    if fields.told is not None and (type(fields.told) is not int or fields.told < 0):
        raise TypeError("told must be a whole number from 0 on")
    if not fields.text.isascii() and (half := _HALF_CHARACTER.search(fields.text)):
        raise ValueError(
            f"its text has half a character (a lone surrogate) at offset {half.start()}"
        )
    return fields


def _triple(fact: Sequence[object]) -> tuple[str, str, str]:
    if not isinstance(fact, list) or len(fact) != 3:
        raise ValueError("a fact must be a list of entity, relation and value")
    entity, relation, value = fact
    if type(entity) is str and type(relation) is str and type(value) is str:
        return entity, relation, value  # nearly all are
    if not all(isinstance(part, str | int | float) for part in fact):
        raise TypeError(f"entity, relation and value must be strings, got {fact}")
    entity, relation, value = map(str, fact)
    return entity, relation, value


def _unanswered(raw: object, text: str) -> UnansweredLookup:
    if not isinstance(raw, list) or len(raw) != 3:
        raise ValueError("an unanswered lookup must be a list of entity, relation and offset")
    entity, relation, at = raw
    if not isinstance(entity, str) or not isinstance(relation, str):
        raise TypeError(f"entity and relation of an unanswered lookup must be strings, got {raw}")
    if type(at) is not int or not 0 <= at <= len(text):
        raise ValueError(f"an unanswered lookup must be at an offset of the text, got {at}")
    return UnansweredLookup(entity, relation, at)


def _right_place(fact: StatedFact, text: str) -> str:
    found = text.find(fact.value) if fact.value else -1
    if found < 0:
        return "the text must have each value word for word"
    if text.encode().startswith(fact.value.encode(), fact.at):
        return f"at counts characters, not bytes: it is at {found}"
    return f"it is at {found}"


@contextmanager
def open_text(path: Path | str) -> Iterator[TextIO]:
    """Open a text stream of a file, which may be packed; ``-`` is standard input."""
    if str(path) == "-":
        given = standard_input()
        piped = getattr(given, "buffer", None)
        if isinstance(piped, io.BufferedReader) and packing_of(piped.peek(1)):
            with io.TextIOWrapper(cast("Any", unpacked(piped, "")), encoding="utf-8") as stream:
                yield stream
        else:
            yield given
        return
    with (
        open(path, "rb") as raw,
        io.TextIOWrapper(cast("Any", unpacked(raw, str(path))), encoding="utf-8") as stream,
    ):
        yield stream


def numbered_lines(stream: TextIO) -> Iterator[tuple[int, str | None]]:
    """Yield each line with its number; None for one that is too long to hold in memory.

    Without the byte order mark that some editors write.
    """
    number = 0
    while line := stream.readline(LONGEST_LINE + 1):
        number += 1
        is_whole = len(line) <= LONGEST_LINE
        while line and not is_whole and not line.endswith("\n"):
            line = stream.readline(LONGEST_LINE)
        yield number, (line.removeprefix("\ufeff") if number == 1 else line) if is_whole else None


def too_long(number: int) -> BadDocument:
    """Return the error that refuses a line."""
    return BadDocument(
        f"line {number} has more than {LONGEST_LINE:,} characters",
        hint="a document is one line of JSON; split long texts, or see whether lines end at all",
    )


def name_of(path: Path | str) -> str:
    """Return how messages name a file of documents."""
    return "standard input" if str(path) == "-" else str(path)


def read_documents(path: Path | str, *, skip_invalid: bool = False) -> Iterator[Document]:
    """Yield the documents of a ``.jsonl`` file, which may be packed; ``-`` is standard input.

    The log counts what was left out: values that overlap another, and lines.

    Args:
        skip_invalid: leave out lines that are not documents instead of refusing the file.

    Raises:
        BadDocument: the file cannot be read, or a line is not a document; all lines are
            none, with ``skip_invalid``.
    """
    first: BadDocument | None = None
    n_refused = n_read = n_overlapping = first_overlap = 0
    try:
        with open_text(path) as lines:
            for number, line in numbered_lines(lines):
                if line is not None and not line.strip():
                    continue
                try:
                    if line is None:
                        raise too_long(number)
                    document, n = _parse(line, number)
                except BadDocument as problem:
                    first = first or problem
                    n_refused += 1
                    continue
                if n and not first_overlap:
                    first_overlap = number
                n_overlapping += n
                n_read += 1
                # Behind the first bad line the others are only counted, for the message.
                if skip_invalid or first is None:
                    yield document
    except UnicodeDecodeError as problem:
        raise BadDocument(
            f"cannot read {name_of(path)}: it is not UTF-8 text ({problem.reason})",
            hint="documents are lines of JSON; lamlam annotate makes them of texts",
        ) from None
    except UNREADABLE as problem:
        # A system's own message names the file again.
        why = (problem.strerror if isinstance(problem, OSError) else None) or problem
        raise BadDocument(f"cannot read {name_of(path)}: {why}") from None
    if first is not None and not (skip_invalid and n_read):
        more = f"; {n_refused - 1} more lines are none" if n_refused > 1 else ""
        raise BadDocument(f"{name_of(path)}: {first}{more}", hint=first.hint)
    if first is not None:
        log.warning("%s: %d lines left out, the first: %s", name_of(path), n_refused, first)
    if n_overlapping:
        log.warning(
            "%s: %d values overlap the one before them, the first in line %d: "
            "their facts count as not stated in the text",
            name_of(path), n_overlapping, first_overlap,
        )  # fmt: skip
