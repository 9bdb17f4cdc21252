"""Files of facts: read line by line with every fault named by its line, and written."""

from __future__ import annotations

import csv
import gzip
import json
import lzma
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from lamlam.errors import BadFact, NotSupported
from lamlam.memory_backends.facts import Fact

FORMATS = ("jsonl", "csv", "tsv")
_PLANNED = ("nt", "lmlm", "cypher")
_REQUIRED = ("entity", "relation", "value")
_OPTIONAL = ("source", "confidence")
_DELIMITERS = {"csv": ",", "tsv": "\t"}
_SHOWN = 200  # characters of a reason


class FactFile:
    """The facts of a file, in order; iterate once.

    A JSON line is ``{"entity": …, "relation": …, "value": …}`` with an optional ``source``
    and ``confidence``; other keys are left alone. CSV and TSV files begin with a line that
    names these columns. Empty lines are skipped.
    """

    def __init__(
        self,
        path: str,
        *,
        format: str | None = None,
        skip_invalid: bool = False,
        on_progress: Callable[[int, int | None], None] | None = None,
    ) -> None:
        """Take note of what to read.

        Args:
            path: ``.jsonl``, ``.csv`` or ``.tsv``, also with ``.gz`` or ``.xz``; ``-`` is
                standard input.
            format: overrides what the name says; without either it is ``jsonl``.
            skip_invalid: leave bad lines out and count them in ``rejected``.
            on_progress: is told bytes read and their total (``None`` where unknown).

        Raises:
            NotSupported: a format that this version does not read.
        """
        self.path = path
        self.format = format or _format_of(path)
        if self.format not in FORMATS:
            known = ", ".join(FORMATS)
            later = " yet" if self.format in _PLANNED else ""
            raise NotSupported(f"format {self.format!r} is not read{later}", hint=f"{known} are")
        self.rejected = 0
        self.first_reason: str | None = None
        self._skip_invalid = skip_invalid
        self._on_progress = on_progress

    def __iter__(self) -> Iterator[Fact]:
        """Give each fact.

        Raises:
            BadFact: a line that is no fact, by its number; or a file that cannot be unpacked.
            OSError: the file cannot be opened.
        """
        with _opened(self.path, self._on_progress) as lines:
            yield from self._json(lines) if self.format == "jsonl" else self._table(lines)

    def _json(self, lines: Iterable[bytes]) -> Iterator[Fact]:
        for number, line in enumerate(lines, 1):
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if line.isspace() or not line:
                continue
            try:
                yield _fact(_object(line))
            except BadFact as error:
                self._reject(number, error)

    def _table(self, lines: Iterable[bytes]) -> Iterator[Fact]:
        texts = (line.decode("utf-8-sig", "surrogateescape") for line in lines)
        rows = csv.reader(texts, delimiter=_DELIMITERS[self.format], strict=True)
        header: list[str] | None = None
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                # What follows a broken quote cannot be trusted either.
                raise BadFact(f"{self._where(rows.line_num)}: {error}") from None
            if header is None:
                header = [name.strip().casefold() for name in row]
                if missing := [name for name in _REQUIRED if name not in header]:
                    raise BadFact(
                        f"{self._where(1)}: the header lacks {', '.join(missing)}",
                        hint="the first line names the columns: entity, relation, value, source",
                    )
            elif row:
                try:
                    yield _fact(_record(header, row))
                except BadFact as error:
                    self._reject(rows.line_num, error)

    def _reject(self, number: int, error: BadFact) -> None:
        reason = f"{self._where(number)}: {error}"[:_SHOWN]
        if not self._skip_invalid:
            raise BadFact(
                reason, hint="nothing was imported; --skip-invalid imports the rest"
            ) from None
        self.rejected += 1
        self.first_reason = self.first_reason or reason

    def _where(self, number: int) -> str:
        return f"{'standard input' if self.path == '-' else self.path} line {number}"


def write_facts(facts: Iterable[Fact], path: str) -> int:
    """The facts are in a JSON-lines file (``.gz`` and ``.xz`` packed); return how many.

    The file is written beside its place and renamed at the end. ``-`` is standard output.
    """
    if path == "-":
        return _write_lines(facts, sys.stdout.buffer)
    target = Path(path)
    beside = target.with_name(f".{target.name}.part")
    try:
        with _create(beside, target.suffix) as file:
            n_facts = _write_lines(facts, file)
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    return n_facts


def _write_lines(facts: Iterable[Fact], file: IO[bytes]) -> int:
    n_facts = 0
    for fact in facts:
        fields: dict[str, Any] = {
            "entity": fact.entity, "relation": fact.relation, "value": fact.value,
        }  # fmt: skip
        if fact.source is not None:
            fields["source"] = fact.source
        if fact.confidence != 1.0:
            fields["confidence"] = fact.confidence
        file.write(json.dumps(fields, ensure_ascii=False).encode() + b"\n")
        n_facts += 1
    file.flush()
    return n_facts


def _format_of(path: str) -> str:
    suffixes = [suffix for suffix in Path(path).suffixes if suffix not in (".gz", ".xz")]
    suffix = suffixes[-1].removeprefix(".").casefold() if suffixes else ""
    return suffix if suffix in (*FORMATS, *_PLANNED) else "jsonl"


@contextmanager
def _opened(
    path: str, on_progress: Callable[[int, int | None], None] | None
) -> Iterator[Iterable[bytes]]:
    if path == "-":
        yield sys.stdin.buffer
        return
    with open(path, "rb") as raw:
        total = Path(path).stat().st_size
        unpacked: IO[bytes] = raw
        if path.endswith(".gz"):
            unpacked = gzip.open(raw, "rb")  # type: ignore[assignment]  # same methods
        elif path.endswith(".xz"):
            unpacked = lzma.open(raw, "rb")
        yield _lines(path, unpacked, raw, total, on_progress)


def _lines(
    path: str,
    unpacked: IO[bytes],
    raw: IO[bytes],
    total: int,
    on_progress: Callable[[int, int | None], None] | None,
) -> Iterator[bytes]:
    try:
        for number, line in enumerate(unpacked):
            if on_progress is not None and number % 2000 == 0:
                on_progress(raw.tell(), total)
            yield line
    except (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error) as error:
        raise BadFact(f"{path} cannot be unpacked: {error}") from None


def _create(path: Path, suffix: str) -> IO[bytes]:
    if suffix == ".gz":
        return gzip.open(path, "wb")  # type: ignore[return-value]  # same methods
    return lzma.open(path, "wb") if suffix == ".xz" else path.open("wb")


def _object(line: bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except UnicodeDecodeError:
        raise BadFact("no fact: the line is no UTF-8 text") from None
    except (ValueError, RecursionError):
        raise BadFact("no fact: the line is no JSON object") from None
    if not isinstance(value, dict):
        raise BadFact("no fact: the line is no JSON object")
    return value


def _record(header: list[str], row: list[str]) -> dict[str, Any]:
    if len(row) > len(header):
        raise BadFact(f"no fact: {len(row)} columns, the header names {len(header)}")
    fields: dict[str, Any] = dict(zip(header, row, strict=False))
    if not fields.get("source", "").strip():
        fields.pop("source", None)
    if confidence := fields.pop("confidence", "").strip():
        try:
            fields["confidence"] = float(confidence)
        except ValueError:
            raise BadFact(f"no fact: confidence: {confidence!r} is no number") from None
    return fields


def _fact(fields: dict[str, Any]) -> Fact:
    missing = [name for name in _REQUIRED if name not in fields]
    if missing:
        raise BadFact(f"no fact: {missing[0]} is missing")
    given = {name: fields[name] for name in _REQUIRED}
    given |= {name: fields[name] for name in _OPTIONAL if fields.get(name) is not None}
    return Fact(**given)
