"""`JsonStream`: JSON that is read value by value, never as a whole."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from lamlam.errors import BadFact
from lamlam.memory_backends.fact_formats.format import Faults, without_mark

_SPACE = re.compile(r"[ \t\n\r]*")
_ENOUGH = 65_536
"""Characters that are kept in hand, so that most values are read at the first try."""
_MOST_IN_ONE = 16_000_000
"""Characters of one value."""
_OF_NUMBERS = "0123456789.eE+-"


class DoubledKeys(dict[str, Any]):
    """An object in which a key stands twice: what it says is not clear."""


class JsonStream:
    """JSON that is read value by value from lines; numbers with a point are exact."""

    def __init__(self, lines: Iterable[bytes], faults: Faults, expected: str) -> None:
        """Begin before the first value.

        Args:
            lines: of the file, or parts of lines.
            faults: is told the line on which a value begins.
            expected: what the file is, for messages.
        """
        self._expected = expected
        self._lines = iter(lines)
        self._faults = faults
        self._decode = codecs.getincrementaldecoder("utf-8")()
        self._json = json.JSONDecoder(parse_float=Decimal, object_pairs_hook=_with_marks)
        self._text = ""
        self._at = 0
        self._is_first = True
        self._line = 1

    def expect(self, mark: str) -> None:
        """Pass the mark that must come next.

        Raises:
            BadFact: another one does.
        """
        if not self.skip(mark):
            raise self._broken()

    def skip(self, mark: str) -> bool:
        """Return whether the mark is what comes next, and pass it if so."""
        self._to_next()
        if not self._text.startswith(mark, self._at):
            return False
        self._at += 1
        return True

    def is_over(self) -> bool:
        """Return whether nothing follows."""
        self._to_next()
        return self._at == len(self._text)

    def next_mark(self) -> str:
        """Return the character that comes next, or nothing at the end."""
        self._to_next()
        return self._text[self._at : self._at + 1]

    def value(self) -> Any:  # Any: JSON
        """Return the value that comes next.

        Raises:
            BadFact: none does.
        """
        self._to_next()
        self._faults.line = self._line
        while True:
            try:
                value, end = self._json.raw_decode(self._text, self._at)
            except (ValueError, RecursionError):
                if len(self._text) - self._at > _MOST_IN_ONE or not self._more():
                    raise self._broken() from None
            else:
                # A number may go on in what is not read yet.
                if (
                    isinstance(value, int | Decimal)
                    and not self._text[end:].strip(_OF_NUMBERS)
                    and self._more()
                ):
                    continue
                self._pass(end)
                return value

    def elements(self) -> Iterator[Any]:  # Any: JSON
        """Give the elements of a list."""
        self.expect("[")
        if self.skip("]"):
            return
        while True:
            yield self.value()
            if self.skip("]"):
                return
            self.expect(",")

    def _to_next(self) -> None:
        """Pass white space, and read on until more than a little is at hand."""
        while True:
            match = _SPACE.match(self._text, self._at)
            assert match is not None  # it matches nothing, too
            self._pass(match.end())
            if self._at < len(self._text) or not self._more():
                return

    def _pass(self, end: int) -> None:
        self._line += self._text.count("\n", self._at, end)
        self._at = end

    def _more(self) -> bool:
        """Read on; return false where the file is at its end."""
        parts = [self._text[self._at :]]
        # Twice as much each time: a value that needs many tries costs no more than two of them.
        wanted = max(_ENOUGH, len(parts[0]))
        self._at = 0
        try:
            while wanted > 0 and (line := next(self._lines, b"")):
                if self._is_first:
                    line, self._is_first = without_mark(line), False
                parts.append(self._decode.decode(line))
                wanted -= len(line)
        except UnicodeDecodeError:
            raise self._faults.stop("the file is not UTF-8 text") from None
        finally:
            self._text = "".join(parts)
        return len(parts) > 1

    def _broken(self) -> BadFact:
        self._faults.line = self._line
        return self._faults.stop(f"the file is not {self._expected}")


def _with_marks(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else DoubledKeys(found)
