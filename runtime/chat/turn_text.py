"""The text of one turn as it arrives, divided into thoughts and the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lamlam.runtime.decoding.completion import Completion
from lamlam.runtime.decoding.events import Text, Thought
from lamlam.runtime.decoding.thoughts import TextPart, ThoughtReader


class TurnText:
    """All that the model has written in one turn."""

    def __init__(self, inside: str) -> None:
        """Begin without text.

        Args:
            inside: the mark of the thought that the prompt opened.
        """
        self._reader = ThoughtReader(inside)
        self._raw = ""
        self._events: list[tuple[int, Text]] = []
        """Where each begins."""
        self._sent = self._thought_sent = 0

    @property
    def thoughts(self) -> str:
        """What was thought."""
        parts = [part for part in self._reader.parts if part.is_thought]
        return "\n\n".join(filter(None, (self._raw[p.start : p.end].strip() for p in parts)))

    @property
    def has_thoughts(self) -> bool:
        """The turn is more than its answer."""
        return any(part.is_thought for part in self._reader.parts)

    def add(self, event: Text) -> list[Text | Thought]:
        """Add text; return what is decided of it."""
        self._events.append((len(self._raw), event))
        self._raw += event.text
        self._reader.read(self._raw)
        return self._take()

    def end(self) -> list[Text | Thought]:
        """Return the rest, after which no more text follows."""
        self._reader.read(self._raw, final=True)
        return self._take()

    def without_thoughts(self, turn: Completion) -> Completion:
        """Return a completion of this text with the answer alone."""
        answer = self._reader.answer()
        if not self.has_thoughts and len(answer) == 1 and turn.text == self._raw:
            if (answer[0].start, answer[0].end) == (0, len(turn.text)):
                return turn
        kept = [replace(span) for span in turn.spans]
        spans = [
            replace(span, start=_shifted(start, answer), end=_shifted(end, answer))
            for span in kept
            for start, end in _within(span.start, span.end, answer)
        ]
        scored, at = [], 0
        for token in turn.logprobs or ():
            pieces = _within(at, at + len(token.text), answer)
            if pieces:
                text = "".join(turn.text[start:end] for start, end in pieces)
                scored.append(replace(token, text=text))
            at += len(token.text)
        return replace(
            turn,
            text="".join(turn.text[part.start : part.end] for part in answer),
            spans=tuple(spans),
            lookups=tuple(replace(one, at=_shifted(one.at, answer)) for one in turn.lookups),
            logprobs=None if turn.logprobs is None else tuple(scored),
        )

    def _take(self) -> list[Text | Thought]:
        taken: list[Text | Thought] = []
        for part in self._reader.parts:
            if part.is_thought:
                start = max(part.start, self._thought_sent)
                if start < part.end:
                    taken.append(Thought(self._raw[start : part.end]))
                    self._thought_sent = part.end
                continue
            # What was taken for a thought until the end came is sent again where it is none.
            start = max(part.start, self._sent)
            if start < part.end:
                taken += self._texts(start, part.end)
                self._sent = part.end
        return taken

    def _texts(self, start: int, end: int) -> list[Text]:
        """Return a part of the answer, with the origin of each of its pieces."""
        texts = pieces_within(self._events, start, end)
        self._events = [one for one in self._events if one[0] + len(one[1].text) > end]
        return texts


def pieces_within(pieces: Sequence[tuple[int, Text]], start: int, end: int) -> list[Text]:
    """Return a stretch of a text of pieces, with the origin of each.

    Args:
        pieces: each with where it begins.
    """
    cut = ((event, max(0, start - at), end - at) for at, event in pieces)
    texts = (replace(event, text=event.text[first : max(0, last)]) for event, first, last in cut)
    return [text for text in texts if text.text]


def cut_answer(turn: Completion, end: int) -> Completion:
    """Return a completion without what its text holds from a place on: calls are no answer."""
    if end >= len(turn.text):
        return turn
    spans = (replace(one, end=min(one.end, end)) for one in turn.spans if one.start < end)
    lookups = (replace(one, at=min(one.at, end)) for one in turn.lookups)
    return replace(turn, text=turn.text[:end], spans=tuple(spans), lookups=tuple(lookups))


def _within(start: int, end: int, parts: Sequence[TextPart]) -> list[tuple[int, int]]:
    found = [(max(start, part.start), min(end, part.end)) for part in parts]
    return [(first, last) for first, last in found if first < last]


def _shifted(at: int, parts: Sequence[TextPart]) -> int:
    """Return where a place in the whole text is in the parts, joined."""
    return sum(min(at, part.end) - part.start for part in parts if part.start < at)
