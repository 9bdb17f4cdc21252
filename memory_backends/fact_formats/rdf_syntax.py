"""Triples of a file, by pyoxigraph; the only import of it.

In N-Triples and N-Quads each triple has its line, and a bad line is left out alone. In the other
syntaxes a statement may go over many lines: a fault ends the reading, for what follows it depends
on what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from lamlam.errors import BadFact, MissingExtra
from lamlam.memory_backends.fact_formats.format import Faults, decoded, without_mark
from lamlam.memory_backends.fact_formats.rdf_guards import LineFeed, check_nesting
from lamlam.memory_backends.fact_formats.rdf_iris import is_own, normal_iri
from lamlam.memory_backends.fact_formats.rdf_vocabulary import PARTS, RDF, XSD

if TYPE_CHECKING:
    import pyoxigraph

_BLOCK = 1 << 17
"""Bytes of lines that are parsed at a time."""
_STRING = f"{XSD}string"
_REIFIES = f"{RDF}reifies"
_PLACE = re.compile(r"^Parser error (?:at|between) line \d+.*?: | ?\(line \d+\)$", re.DOTALL)
_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")
OF_LINES = frozenset({"N_TRIPLES", "N_QUADS"})
"""Syntaxes in which each triple has its line."""


class RdfRow(NamedTuple):
    """One triple; a blank node is ``_:…``."""

    line: int
    subject: str
    predicate: str
    text: str
    """The object: an IRI, a blank node or the text of a literal."""
    datatype: str | None
    """``None`` where the object is not a literal; empty for plain text."""
    language: str
    graph: str
    """IRI of its named graph; empty in the default graph."""


def rows_of(lines: Iterable[bytes], syntax: str, faults: Faults) -> Iterator[RdfRow]:
    """Give each triple in order; ``faults.line`` is its line, or one near it.

    Args:
        lines: of the file; may be pieces of lines where the syntax is not one of lines.
        syntax: as pyoxigraph's `RdfFormat` names it.
        faults: takes lines that are not triples.

    Raises:
        MissingExtra: pyoxigraph is not installed.
        BadFact: the text is not of this syntax.
    """
    try:
        import pyoxigraph
    except ImportError:
        raise MissingExtra("rdf", "pyoxigraph") from None
    format: pyoxigraph.RdfFormat = getattr(pyoxigraph.RdfFormat, syntax)
    if syntax in OF_LINES:
        return _LineReader(format, faults).rows(lines)
    return _DocumentReader(format, syntax, faults).rows(lines)


class _Converter:
    """Makes rows of quads."""

    def __init__(self) -> None:
        import pyoxigraph

        self._literal = pyoxigraph.Literal
        self._blank = pyoxigraph.BlankNode
        self._triple = pyoxigraph.Triple
        self._default = pyoxigraph.DefaultGraph

    def rows(self, quad: pyoxigraph.Quad, line: int) -> tuple[RdfRow, ...]:
        """Return the row of a quad; three of one that names a triple."""
        value, graph = quad.object, quad.graph_name
        predicate: str = quad.predicate.value
        about = self._node(quad.subject)
        where = "" if type(graph) is self._default else self._node(graph)
        if type(value) is not self._triple:
            return (self._row(line, about, predicate, value, where),)
        if predicate != _REIFIES:
            raise BadFact(
                "invalid fact: value must not be a triple",
                hint="only rdf:reifies may be followed by one",
            )
        terms = [getattr(value, name) for name in PARTS.values()]
        if any(type(term) is self._triple for term in terms):
            raise BadFact("invalid fact: a statement about a triple that names a triple")
        parts = zip(PARTS, terms, strict=True)
        return tuple(self._row(line, about, part, term, where) for part, term in parts)

    def _row(self, line: int, about: str, predicate: str, value: object, graph: str) -> RdfRow:
        if type(value) is not self._literal:
            return RdfRow(line, about, predicate, self._node(value), None, "", graph)
        literal: pyoxigraph.Literal = value
        if language := literal.language:
            return RdfRow(line, about, predicate, literal.value, "", language, graph)
        kind = literal.datatype.value
        datatype = "" if kind == _STRING else kind
        return RdfRow(line, about, predicate, literal.value, datatype, "", graph)

    def _node(self, term: object) -> str:
        iri: str = term.value  # type: ignore[attr-defined]  # all of them have one
        if type(term) is self._blank:
            return f"_:{iri}"
        return normal_iri(iri) if "%" in iri and not is_own(iri) else iri


class _LineReader:
    """Reads a syntax of one triple a line."""

    def __init__(self, format: pyoxigraph.RdfFormat, faults: Faults) -> None:
        import pyoxigraph

        self._parse = pyoxigraph.parse
        self._format = format
        self._faults = faults
        self._converter = _Converter()
        self._line = 0

    def rows(self, lines: Iterable[bytes]) -> Iterator[RdfRow]:
        block: list[bytes] = []
        size = 0
        for line in lines:
            if not self._line and not block:
                line = without_mark(line)
            block.append(line)
            size += len(line)
            if size >= _BLOCK:
                yield from self._of_block(block)
                block, size = [], 0
        yield from self._of_block(block)

    def _of_block(self, block: list[bytes]) -> Iterator[RdfRow]:
        quads = self._quads(block)
        rows = self._converter.rows
        faults = self._faults
        if quads is None:
            for line in block:
                self._line += 1
                faults.line = self._line
                try:
                    found = [row for quad in self._of_line(line) for row in rows(quad, self._line)]
                except BadFact as error:
                    faults.reject(error)
                else:
                    yield from found
            return
        for number, quad in quads:
            faults.line = number + self._line
            try:
                yield from rows(quad, number + self._line)
            except BadFact as error:
                faults.reject(error)
        self._line += len(block)

    def _quads(self, block: list[bytes]) -> list[tuple[int, pyoxigraph.Quad]] | None:
        """Return the quads, each with its line; ``None`` where each line must be looked at."""
        text = b"".join(block)
        if b"<<" in text:
            return None
        try:
            found = list(self._parse(input=text, format=self._format))
        except SyntaxError:
            return None
        numbers: Iterable[int] = range(1, len(block) + 1)
        if len(found) != len(block):
            numbers = [
                number
                for number, line in enumerate(block, 1)
                if (plain := line.strip()) and not plain.startswith(b"#")
            ]
            if len(found) != len(numbers):
                return None
        return list(zip(numbers, found, strict=True))

    def _of_line(self, line: bytes) -> list[pyoxigraph.Quad]:
        text = decoded(line)
        if b"<<" in line:
            check_nesting(line)
        try:
            return list(self._parse(input=text.rstrip("\r\n"), format=self._format))
        except SyntaxError as error:
            if _HALF_PAIR.search(line):
                raise BadFact(
                    "invalid fact: the line holds half a surrogate pair, which is not text"
                ) from None
            raise BadFact(
                f"invalid fact: the line is not {_name_of(self._format)}: {_reason(error)}"
            ) from None


class _DocumentReader:
    """Reads a syntax in which a statement may go over many lines."""

    def __init__(self, format: pyoxigraph.RdfFormat, syntax: str, faults: Faults) -> None:
        import pyoxigraph

        self._parse = pyoxigraph.parse
        self._format = format
        self._syntax = syntax
        self._faults = faults
        self._converter = _Converter()

    def rows(self, lines: Iterable[bytes]) -> Iterator[RdfRow]:
        faults = self._faults
        format = self._streamed(lines) if self._syntax == "JSON_LD" else self._format
        is_whole = self._syntax == "JSON_LD" and format is self._format
        feed = LineFeed(lines, self._syntax, is_whole=is_whole)
        base = f"file:///{_base_name(faults.name)}"
        quads = self._parse(input=feed, format=format, base_iri=base)  # type: ignore[arg-type]  # read() is all that is used
        while True:
            try:
                quad = next(quads, None)
            except BadFact as error:  # of a guard
                faults.line = feed.line
                raise faults.stop(str(error), error.hint) from None
            except SyntaxError as error:
                faults.line = error.lineno or feed.line
                raise self._fault(error) from None
            if quad is None:
                return
            faults.line = max(feed.line, 1)
            feed.since_last = 0
            try:
                yield from self._converter.rows(quad, faults.line)
            except BadFact as error:
                faults.reject(error)

    def _streamed(self, lines: Iterable[bytes]) -> pyoxigraph.RdfFormat:
        """Return the parser that reads JSON-LD as it comes, where its keys are in their order.

        The other one needs 25 times the size of the file, but takes keys in any order.
        """
        import pyoxigraph

        streaming = pyoxigraph.RdfFormat.STREAMING_JSON_LD
        feed = LineFeed(lines, self._syntax)
        try:
            for _ in self._parse(input=feed, format=streaming, base_iri="file:///"):  # type: ignore[arg-type]  # as below
                pass
        except SyntaxError as error:
            return self._format if "must be the" in str(error) else streaming
        except BadFact:
            pass  # of a guard: the reading itself names it
        return streaming

    def _fault(self, error: SyntaxError) -> BadFact:
        reason = _reason(error)
        if "LoadDocumentCallback" in reason:
            return self._faults.stop(
                "the file needs an @context from the network, which is never fetched",
                "write the object of the @context into the file in place of its address",
            )
        return self._faults.stop(f"the file is not {_name_of(self._format)}: {reason}")


def _reason(error: SyntaxError) -> str:
    return " ".join(_PLACE.sub("", str(error.msg)).split())


def _name_of(format: pyoxigraph.RdfFormat) -> str:
    return str(format.name)


@lru_cache(maxsize=8)
def _base_name(name: str) -> str:
    """Return the last part of a path as a part of an IRI."""
    from pathlib import PurePath
    from urllib.parse import quote

    return quote(PurePath(name).name or "file", safe="")
