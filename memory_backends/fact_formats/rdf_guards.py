"""Guards before the RDF parser, which hostile files could stop: nesting, entities, piece sizes.

Deep nesting overflows the parser's stack and ends the process, so it is counted before the parser
sees it; so is what the entities of an XML file would expand to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.format import without_mark

MOST_WHOLE = 1 << 26
"""Bytes of a file that the parser keeps as a whole: it needs 25 times as much memory."""
_MOST_TRIPLES = 500
"""Triples inside one another, by their signs: the parser's own limit lies above 700 on the smallest
stack that systems give a thread."""
_MOST_JSON = 64
"""Contexts inside one another: the same limit lies above 75."""
_MOST_XML = 1_000
"""Elements inside one another: time grows with the square of it."""
_LONGEST_ENTITY = 1_000
"""Bytes of the text of one entity of XML."""
_MOST_ENTITIES = 50_000
"""Entities between two tags."""
_LONGEST_HEAD = 64_000
"""Bytes of an XML file up to its first element, where entities are declared."""
_JSON_TOKEN = re.compile(rb'\\.|["\[\]{}]', re.DOTALL)
_IN_LINE = re.compile(rb'"(?:[^"\\]|\\.)*"|<<|>>|<[^<>]*>')
_TAG_EDGE = re.compile(rb"[<>]")
_ENTITY = re.compile(rb"""<!ENTITY\s+([^\s"'>]+)\s+(?:"([^"]*)"|'([^']*)'|([^>]*))""")
_REFERENCE = re.compile(rb"&(?!#|lt;|gt;|amp;|quot;|apos;)")
_DECLARATION = b"<!ENTITY"
_FIRST_ELEMENT = re.compile(rb"<[A-Za-z_]")


def check_nesting(line: bytes) -> None:
    """Refuse a line of N-Triples whose triples are too deep inside one another.

    Raises:
        BadFact: they are.
    """
    if line.count(b"<<") > _MOST_TRIPLES:
        deepest = depth = 0
        for sign in _IN_LINE.findall(line):
            depth += (sign == b"<<") - (sign == b">>")
            deepest = max(deepest, depth)
        if deepest > _MOST_TRIPLES:
            raise _too_deep("triples", _MOST_TRIPLES)


class LineFeed:
    """A file for the parser, which gets its lines one by one, so that it is known where it is."""

    def __init__(self, lines: Iterable[bytes], syntax: str, *, is_whole: bool = False) -> None:
        """Begin before the first line.

        Args:
            lines: or parts of lines.
            syntax: as pyoxigraph names it.
            is_whole: the parser keeps the whole file in memory.
        """
        self.line = 0
        """The line that the parser got last."""
        self.since_last = 0
        """Signs of nested triples since this was set to 0, as after each triple."""
        self._guard: Callable[[bytes], None] = {
            "JSON_LD": _JsonGuard().check,
            "RDF_XML": _XmlGuard().check,
        }.get(syntax, self._check_triples)
        self._lines: Iterator[bytes] = iter(lines)
        self._remaining = MOST_WHOLE if is_whole else None
        self._piece = b""
        self._at = 0
        self._is_at_begin = self._is_line_over = True

    def read(self, size: int) -> bytes:
        """Return what comes next, at most so many bytes: more would end the process."""
        if self._at >= len(self._piece):
            piece = next(self._lines, b"")
            if self._is_at_begin:
                piece = without_mark(piece)
                self.line = 1
            elif piece and self._is_line_over:
                self.line += 1
            self._is_line_over = piece.endswith(b"\n")
            self._is_at_begin = False
            self._guard(piece)
            if self._remaining is not None:
                self._remaining -= len(piece)
                if self._remaining < 0:
                    raise BadFact(
                        f"invalid fact: the file has more than {MOST_WHOLE >> 20} MiB, and keys in an"
                        " order that needs all of it at once",
                        hint="write @context first and @type next in each object, or N-Triples",
                    )
            self._piece, self._at = piece, 0
        part = self._piece[self._at : self._at + size]
        self._at += len(part)
        return part

    def _check_triples(self, piece: bytes) -> None:
        self.since_last += piece.count(b"<<")
        if self.since_last > _MOST_TRIPLES:
            raise _too_deep("triples", _MOST_TRIPLES)


class _JsonGuard:
    """Counts how deep objects and lists are nested."""

    def __init__(self) -> None:
        self._depth = 0
        self._is_text = False
        self._is_escaped = False

    def check(self, piece: bytes) -> None:
        begin = int(self._is_escaped and bool(piece))
        self._is_escaped = self._is_escaped and not piece
        end = len(piece)
        while end > begin and piece[end - 1] == 0x5C:
            end -= 1
        if (len(piece) - end) % 2:  # what it escapes is in the next piece
            self._is_escaped = True
        for match in _JSON_TOKEN.finditer(piece, begin):
            sign = match[0]
            if sign == b'"':
                self._is_text = not self._is_text
            elif self._is_text or len(sign) > 1:
                continue
            elif sign in b"[{":
                self._depth += 1
                if self._depth > _MOST_JSON:
                    raise _too_deep("objects", _MOST_JSON)
            else:
                self._depth -= 1


class _XmlGuard:
    """Counts open elements, and looks at declared entities."""

    def __init__(self) -> None:
        self._depth = 0
        self._references = 0
        self._head: bytes | None = b""
        self._last = b""
        self._end = b""

    def check(self, piece: bytes) -> None:
        if self._head is not None:
            self._check_head(piece)
        elif _DECLARATION in self._end + piece:
            raise BadFact("invalid fact: an XML entity is declared behind the first element")
        self._end = (self._end + piece)[1 - len(_DECLARATION) :]
        text = self._last + piece  # a sign may be cut in two
        # No tag is open where only text follows: the last two bytes are looked at again.
        self._last = text[-1:] if text.endswith((b"<", b"/")) else b""
        text = text[: len(text) - len(self._last)]
        ends = text.count(b"</")
        begins = text.count(b"<") - ends - text.count(b"<!") - text.count(b"<?")
        self._depth = max(0, self._depth + begins - ends - text.count(b"/>"))
        if self._depth > _MOST_XML:
            raise _too_deep("elements", _MOST_XML)
        if b"&" in text:
            parts = _TAG_EDGE.split(text)
            self._references += parts[0].count(b"&")
            for part in parts[1:]:
                self._check_references()
                self._references = part.count(b"&")
            self._check_references()
        elif b"<" in text or b">" in text:
            self._references = 0

    def _check_references(self) -> None:
        if self._references > _MOST_ENTITIES:
            raise BadFact(
                f"invalid fact: more than {_MOST_ENTITIES:,} entities of XML stand in one text"
            )

    def _check_head(self, piece: bytes) -> None:
        assert self._head is not None
        self._head += piece
        for name, *texts in _ENTITY.findall(self._head):
            text = b"".join(texts)
            if len(text) > _LONGEST_ENTITY or _REFERENCE.search(text):
                shown = name.decode(errors="replace")[:40]
                raise BadFact(
                    f"invalid fact: the XML entity {shown!r} is long or names other entities",
                    hint="write its text where it is used",
                )
        if _FIRST_ELEMENT.search(self._head):
            self._head = None
        elif len(self._head) > _LONGEST_HEAD:
            raise BadFact("invalid fact: the XML file has no element in its first 64,000 bytes")


def _too_deep(what: str, most: int) -> BadFact:
    return BadFact(f"invalid fact: more than {most:,} {what} are nested in one another")
