"""One line of N-Triples at a time, by rdflib's grammar; the only import of rdflib."""

from __future__ import annotations

from rdflib.exceptions import ParserError
from rdflib.plugins.parsers.ntriples import (
    W3CNTriplesParser,
    r_literal,
    r_nodeid,
    r_uriref,
    unquote,
)

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.format import decoded
from lamlam.memory_backends.fact_formats.rdf_names import RdfLiteral
from lamlam.memory_backends.model.values import is_text

Triple = tuple[str, str, str | RdfLiteral]


class TripleParser:
    """A parser that keeps nothing but the triple of the line."""

    def __init__(self) -> None:
        self._triple: Triple | None = None
        self._parser = _LineParser(sink=self)  # type: ignore[arg-type]  # all that it needs is `triple`

    @property
    def is_english(self) -> bool:
        """True where the last literal is marked as English, or as no language."""
        language = self._parser.language
        return language is None or language.lower().partition("-")[0] == "en"

    def parsed(self, line: bytes) -> Triple | None:
        """Return the triple of a line, blank nodes as ``_:…``; ``None`` where there is none.

        Raises:
            BadFact: it is not a line of N-Triples.
        """
        self._triple = None
        self._parser.line = decoded(line).rstrip("\r\n")
        try:
            self._parser.parseline()
        except (ParserError, ValueError, OverflowError):
            raise BadFact("invalid fact: the line is not N-Triples") from None
        if self._triple is not None and not _is_text(self._triple):
            raise BadFact("invalid fact: the line holds half a surrogate pair, which is not text")
        return self._triple

    def triple(self, subject: str, predicate: str, value: str | RdfLiteral) -> None:
        """Take the triple that the parser has found."""
        self._triple = subject, predicate, value


def _is_text(triple: Triple) -> bool:
    subject, predicate, term = triple
    return is_text(f"{subject}{predicate}{term.text if isinstance(term, RdfLiteral) else term}")


class _LineParser(W3CNTriplesParser):
    """rdflib's, with terms left as they are written.

    Its own terms parse numbers and dates, warn of what they do not understand, and remember
    every blank node.
    """

    language: str | None = None

    def uriref(self) -> str | bool:  # type: ignore[override]  # plain text
        return unquote(self.eat(r_uriref).group(1)) if self.peek("<") else False

    def nodeid(self, bnode_context: object = None) -> str | bool:  # type: ignore[override]
        return f"_:{self.eat(r_nodeid).group(1)}" if self.peek("_") else False

    def literal(self) -> RdfLiteral | bool:  # type: ignore[override]  # our own term
        if not self.peek('"'):
            return False
        text, self.language, datatype = self.eat(r_literal).groups()
        return RdfLiteral(unquote(text), unquote(datatype) if datatype else "")
