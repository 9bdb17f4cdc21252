"""Which parts of a model's text are its thoughts, and which its answer, while it is being written.

Stop strings, calls and citations count only in the answer. A mark in quotation marks or in code
is a part of the text. A thought that is never closed lasts to the end; if marks in it were nested
wrongly, it ends at the last closing mark.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lamlam.runtime.decoding.output_marks import (
    CHANNEL,
    ENDS_OF_MESSAGE,
    HEADERS,
    IGNORED_MARKS,
    MESSAGE,
    THOUGHT_MARKS,
)

_CLOSING = dict(THOUGHT_MARKS)
_OPENING = (*_CLOSING, *HEADERS, "<|end|>", *IGNORED_MARKS)
_MOST_OF_HEADER = 200
_QUOTES = {"`": "`", '"': '"', "'": "'", "“": "”", "«": "»", "‘": "’"}


def _any_of(*texts: str) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(texts, key=len, reverse=True))))


_OPENS = _any_of(*_OPENING)
_ENDS = _any_of(*ENDS_OF_MESSAGE)


@dataclass(frozen=True, slots=True)
class ThoughtSettings:
    """How the text of a turn begins."""

    inside: str = ""
    """The mark of the thought that the prompt has opened."""


@dataclass(slots=True)
class TextPart:
    """A part of the text without the marks around it."""

    start: int
    end: int
    is_thought: bool


def opened_by(prompt: str) -> str:
    """Return the mark of the thought in which a prompt ends, or an empty text."""
    tail = prompt[-200:].rstrip()
    header = tail[tail.rfind(CHANNEL) :] if CHANNEL in tail else ""
    if header.endswith(f"analysis{MESSAGE}"):
        return CHANNEL
    return next((mark for mark in _CLOSING if tail.endswith(mark)), "")


def closing_of(mark: str) -> str:
    """Return what ends a thought that the mark has opened."""
    return _CLOSING.get(mark, "<|end|>")


class ThoughtReader:
    """Reads the growing text of one turn."""

    def __init__(self, inside: str = "") -> None:
        self.parts: list[TextPart] = []
        """What is decided of the text so far, in order."""
        self._at = 0
        """All before is decided."""
        self._mark = inside
        """Of the thought that is open."""
        self._is_begun = bool(inside)
        """A thought or an answer has begun; white space in front belongs to what follows."""
        self._in_answer = False
        self._in_message = False
        self._depth = 0
        self._doubtful = 0
        """Where the last closing mark ended that did not close the thought."""
        self._thought_from = 0

    @property
    def in_thought(self) -> bool:
        """What comes next belongs to a thought, as far as is known."""
        return bool(self._mark)

    def answer(self) -> list[TextPart]:
        """Return the parts of the answer."""
        return [part for part in self.parts if not part.is_thought]

    def read(self, text: str, *, final: bool = False) -> None:
        """Read on in the text, which is the same as before and more.

        Args:
            final: nothing follows.
        """
        while self._step(text, final):
            pass
        if final and self._mark and self._doubtful:
            self._end_doubt()
            while self._step(text, final):
                pass

    def _step(self, text: str, final: bool) -> bool:
        """Take the next part; return false if more text is needed."""
        if self._at >= len(text):
            return False
        if self._mark == CHANNEL or self._in_message:
            return self._read_message(text, final)
        if self._mark:
            return self._read_thought(text, final)
        return self._read_answer(text, final) if self._in_answer else self._begin(text, final)

    def _begin(self, text: str, final: bool) -> bool:
        """Decide whether a thought or an answer begins here."""
        start = len(text) - len(text[self._at :].lstrip())
        found = _OPENS.match(text, start)
        if found:
            return self._open(text, found, final)
        if not final and any(mark.startswith(text[start:]) for mark in _OPENING):
            return False
        if start == len(text) and self._is_begun:
            self._at = start
            return False
        if self._is_begun:
            self._at = start
        self._is_begun = self._in_answer = True
        return True

    def _open(self, text: str, found: re.Match[str], final: bool) -> bool:
        mark = found[0]
        if mark in HEADERS:
            return self._read_header(text, found.start(), final)
        self._is_begun, self._in_answer = True, False
        self._at = found.end()
        if mark in _CLOSING:
            self._mark, self._depth, self._doubtful = mark, 0, 0
            self._thought_from = self._at
        return True

    def _read_header(self, text: str, start: int, final: bool) -> bool:
        end = text.find(MESSAGE, start, start + _MOST_OF_HEADER)
        if end < 0:
            if len(text) - start < _MOST_OF_HEADER:
                if final:
                    self._at = len(text)
                return False
            self._at, self._in_answer, self._is_begun = start + 1, True, True  # only text
            self._add(start, start + 1, False)
            return True
        header = text[start:end]
        self._is_begun, self._in_answer = True, False
        self._at = end + len(MESSAGE)
        if " to=" in header:  # a call, header included
            self._add(start, self._at, False)
            self._in_message = True
        elif CHANNEL not in header or re.search(r"\|>\s*(final|commentary)", header):
            self._in_message = True
        else:
            self._mark = CHANNEL
        return True

    def _read_message(self, text: str, final: bool) -> bool:
        """Read the text of a channel up to the mark that ends it."""
        is_thought = self._mark == CHANNEL
        found = _ENDS.search(text, self._at)
        if found is None:
            end = len(text) if final else _held_from(text, self._at, ENDS_OF_MESSAGE)
            self._add(self._at, end, is_thought)
            self._at = end
            return False
        self._add(self._at, found.start(), is_thought)
        self._mark, self._in_message, self._in_answer = "", False, False
        self._at = found.start() if found[0] in HEADERS else found.end()
        return True

    def _read_answer(self, text: str, final: bool) -> bool:
        """Read the answer up to the next thought, which begins a line."""
        found = _OPENS.search(text, self._at)
        if found is None:
            end = len(text) if final else _held_from(text, self._at, _OPENING)
            self._add(self._at, end, False)
            self._at = end
            return False
        start = found.start()
        before = text[:start]
        is_line = not before.rpartition("\n")[2].strip() and before.count("```") % 2 == 0
        is_unquoted = before[-1:] not in _QUOTES
        if is_line or (found[0] not in _CLOSING and is_unquoted):
            self._add(self._at, start, False)
            self._at = start
            return self._open(text, found, final)
        self._add(self._at, found.end(), False)
        self._at = found.end()
        return True

    def _read_thought(self, text: str, final: bool) -> bool:
        """Read the thought up to the mark that closes it."""
        opening, closing = self._mark, _CLOSING[self._mark]
        found = _any_of(opening, closing).search(text, self._at)
        if found is None:
            end = len(text) if final else _held_from(text, self._at, (opening, closing))
            self._add(self._at, end, True)
            self._at = end
            return False
        follows = text[found.end() : found.end() + 1]
        quote = _QUOTES.get(text[found.start() - 1 : found.start()])
        if quote and not follows and not final:
            self._add(self._at, found.start(), True)
            self._at = found.start()
            return False
        is_text = bool(quote) and follows == quote
        if not is_text:
            is_text = self._is_paired_in_code(text, found)
        if not is_text and found[0] == closing:
            if not self._depth:
                self._add(self._at, found.start(), True)
                self._at, self._mark = found.end(), ""
                return True
            self._depth -= 1
            self._doubtful = found.end()
        elif not is_text:
            self._depth += 1
        self._add(self._at, found.end(), True)
        self._at = found.end()
        return True

    def _is_paired_in_code(self, text: str, found: re.Match[str]) -> bool:
        """Return true for a mark in a block of code: an opening one, or one that it closes."""
        before = text[self._thought_from : found.start()]
        if before.count("```") % 2 == 0:
            return False
        code = before[before.rfind("```") :]
        opening, closing = self._mark, _CLOSING[self._mark]
        return found[0] == opening or code.count(opening) > code.count(closing)

    def _end_doubt(self) -> None:
        """End a thought, which was never closed, at the last mark that might have closed it."""
        at = self._doubtful
        while self.parts and self.parts[-1].start >= at:
            self.parts.pop()
        if self.parts:
            last = self.parts[-1]
            last.end = min(last.end, at - len(_CLOSING[self._mark]))
        self._mark, self._doubtful = "", 0
        self._at = at
        self._is_begun, self._in_answer = True, False

    def _add(self, start: int, end: int, is_thought: bool) -> None:
        if end <= start:
            return
        last = self.parts[-1] if self.parts else None
        if last is not None and last.is_thought == is_thought and last.end == start:
            last.end = end
        else:
            self.parts.append(TextPart(start, end, is_thought))


def _held_from(text: str, start: int, marks: tuple[str, ...]) -> int:
    """Return from where on the text may be the beginning of a mark."""
    longest = max(map(len, marks))
    for at in range(max(start, len(text) - longest + 1), len(text)):
        tail = text[at:]
        if any(mark.startswith(tail) for mark in marks):
            return at
    return len(text)
