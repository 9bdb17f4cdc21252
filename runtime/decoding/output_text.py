"""The visible text of one sequence as it grows, and which part of it is a fact."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import replace

from lamlam.runtime.decoding.events import Text
from lamlam.runtime.decoding.spans import LookupRecord, Origin, Span, fact_span
from lamlam.runtime.decoding.thoughts import TextPart

_OPENING = frozenset("([{<“‘«„‚‹¿¡/$£€¥₹")
_DASHES = frozenset("-–—")
_EITHER_QUOTE = frozenset("\"'")


class OutputText:
    """Visible text in characters, made of the bytes of sampled tokens and of values."""

    def __init__(self, prompt: str) -> None:
        self.text = prompt
        self.n_prompt = len(prompt)
        self._facts: list[Span] = []
        self._searched_from = len(prompt)
        """Stop strings are searched only after the last value."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._expected: str | None = None
        self._expected_fact: LookupRecord | None = None
        self._expected_from = 0
        self._sent = len(prompt)
        self.held_from: int | None = None
        """Text from here on is not sent yet: it may be cut off."""
        self.ends_amid = False
        """The last tokens began a character that was not completed; they have no text."""

    @property
    def has_partial_character(self) -> bool:
        """True in the middle of a character that takes several tokens."""
        return bool(self._decoder.getstate()[0])

    @property
    def awaits_value(self) -> bool:
        """True while the model may still be writing a fetched value exactly."""
        if self._expected is None:
            return False
        tail = self.text[self._expected_from :]
        return tail.removeprefix(" ") != self._expected

    @property
    def is_comparing(self) -> bool:
        """True until it is decided whether the model wrote a fetched value."""
        return self._expected is not None

    def fact_end(self, start: int) -> int | None:
        """Return where a fact ends that begins at ``start`` or behind it, if there is one."""
        return self._facts[-1].end if self._facts and self._facts[-1].start >= start else None

    def add_bytes(self, piece: bytes) -> None:
        """Add the bytes of a sampled token."""
        self.text += self._decoder.decode(piece)
        if self._expected is not None:
            self._compare(final=False)

    def add_value(self, lead: str, value: str, fact: LookupRecord | None) -> None:
        """Add a value, unchanged, after ``lead``.

        Args:
            fact: the lookup that gave it; ``None`` for a word in place of a value ("unknown").
        """
        self.settle()
        self.text += lead
        start = len(self.text)
        self.text += value
        self._searched_from = len(self.text)
        if fact is not None:
            self._facts.append(fact_span(start, len(self.text), fact))

    def expect_value(self, value: str, fact: LookupRecord | None) -> None:
        """Compare what the model writes next with a value; arguments as of `add_value`."""
        self.settle()
        self._expected, self._expected_fact = value, fact
        self._expected_from = len(self.text)

    def settle(self) -> None:
        """End partial characters and the comparison with an expected value."""
        self.text += self._decoder.decode(b"", final=True)
        self._decoder.reset()
        if self._expected is not None:
            self._compare(final=True)

    def end_cut(self) -> None:
        """End a text that was cut off: the beginning of a character is dropped."""
        if self.has_partial_character:
            self.ends_amid = True
            self._decoder.reset()
        self.settle()

    def space_before_value(self) -> str:
        """Return what belongs between the text and a value: a space or nothing."""
        if not self.text or self.text[-1].isspace():
            return ""
        last, before = self.text[-1], self.text[-2:-1]
        if last in _OPENING:
            return ""
        if last in _DASHES:  # a dash has a space after it if it has one before it
            return " " if before.isspace() else ""
        if last in _EITHER_QUOTE:
            return "" if not before or before.isspace() or before in _OPENING else " "
        return " "

    def find_stop(self, stop: tuple[str, ...], answer: Iterable[TextPart] = ()) -> int | None:
        """Return where the first stop string begins in what was sampled since the last value.

        What may become a value is not searched yet: values never stop a text.

        Args:
            answer: the only parts that are searched; by default everything.
        """
        start = self._searched_from
        end = len(self.text) if self._expected is None else self._expected_from
        parts = [(max(start, one.start), min(end, one.end)) for one in answer] or [(start, end)]
        found = [self.text.find(text, first, last) for first, last in parts for text in stop]
        return min((at for at in found if at >= 0), default=None)

    def cut(self, at: int) -> None:
        """End the text at ``at``."""
        self.settle()
        self.text = self.text[:at]
        self.ends_amid = False
        self._facts = [fact for fact in self._facts if fact.end <= at]

    def take_unsent(self, stop: tuple[str, ...] = (), *, final: bool = False) -> list[Text]:
        """Return text that was not returned before and whose origin can no longer change."""
        end = len(self.text)
        if not final:
            if self._expected is not None:
                end = self._expected_from
            tail = self.text[max(self._sent, self._searched_from) : end]
            end -= max((_overlap(tail, text) for text in stop), default=0)
            if self.held_from is not None:
                end = min(end, self.held_from)
        events = []
        for start, upto, fact in self._stretches(self._sent, end):
            origin: Origin = "fact" if fact else "parametric"
            events.append(
                Text(
                    self.text[start:upto],
                    origin,
                    fact.fact_id if fact else None,
                    fact.source if fact else None,
                )
            )
        self._sent = max(end, self._sent)
        return events

    def spans(self) -> tuple[Span, ...]:
        """Return spans that cover the text without gap or overlap."""
        spans = [Span(0, self.n_prompt, "prompt")] if self.n_prompt else []
        for start, end, fact in self._stretches(self.n_prompt, len(self.text)):
            if fact is None:
                spans.append(Span(start, end, "parametric"))
            else:
                spans.append(replace(fact, start=start, end=end))
        return tuple(spans)

    def _stretches(self, start: int, end: int) -> list[tuple[int, int, Span | None]]:
        stretches: list[tuple[int, int, Span | None]] = []
        for fact in self._facts:
            if fact.end <= start or fact.start >= end:
                continue
            if start < fact.start:
                stretches.append((start, fact.start, None))
            stretches.append((max(start, fact.start), min(fact.end, end), fact))
            start = min(fact.end, end)
        if start < end:
            stretches.append((start, end, None))
        return stretches

    def _compare(self, *, final: bool) -> None:
        """Decide, as soon as it can be decided, whether the model wrote the value."""
        value = self._expected
        if value is None:
            return
        start = self._expected_from
        tail = self.text[start:]
        if tail.startswith(" "):
            start, tail = start + 1, tail[1:]
        if tail.startswith(value):
            follows = tail[len(value) : len(value) + 1]
            if not follows and not final:
                return
            # "18670" does not contain the value "1867".
            if not (follows.isalnum() and value[-1].isalnum()):
                self._searched_from = start + len(value)
                if self._expected_fact is not None:
                    end = start + len(value)
                    self._facts.append(fact_span(start, end, self._expected_fact))
        elif value.startswith(tail) and not final:
            return
        self._expected = None


def _overlap(text: str, stop: str) -> int:
    """Return how many characters at the end of the text may begin the stop string."""
    for n in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:n]):
            return n
    return 0
