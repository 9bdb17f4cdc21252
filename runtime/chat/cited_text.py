"""An answer as it grows, in which fetched values are recognised character by character."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from lamlam.runtime.decoding.events import Text
from lamlam.runtime.decoding.spans import Span

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import LookupResult

_MAX_VALUES = 1_000


class CitedText:
    """Text that a model writes freely, in which values that it was given become fact spans.

    A value counts only as a whole word: "18670" does not contain the value "1867".
    """

    def __init__(self) -> None:
        self.text = ""
        """All that was sent."""
        self.spans: list[Span] = []
        self._unsent = ""
        self._fetched: dict[str, Span] = {}
        self._pattern = re.compile(r"(?!)")
        self._longest = 0

    def learn(self, result: LookupResult) -> None:
        """Recognise the values of the result from here on."""
        for n in range(_MAX_VALUES):  # of very many no more are read
            answer = result.answer(n)
            if answer is None or len(self._fetched) >= _MAX_VALUES:
                break
            if answer.value.strip() == answer.value:
                self._fetched[answer.value] = Span(
                    0,
                    len(answer.value),
                    "fact",
                    fact_id=answer.fact_id,
                    source=answer.source,
                    revision=int(result.revision),
                    match=result.match,
                    namespace=getattr(result, "namespace", ()),
                )
        longest_first = sorted(self._fetched, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_as_word, longest_first)) or r"(?!)")
        self._longest = max(map(len, self._fetched), default=0)

    def add(self, text: str) -> list[Text]:
        """Add text; return what can be sent now."""
        self._unsent += text
        return self._take(final=False)

    def settle(self) -> list[Text]:
        """Return the rest, after which no more text follows."""
        return self._take(final=True)

    def _take(self, *, final: bool) -> list[Text]:
        events: list[Text] = []
        while self._unsent:
            whole, start = self.text + self._unsent, len(self.text)
            found = self._pattern.search(whole, start)
            hold = len(whole) if final else self._open_from(whole, start)
            if found is None or found.start() >= hold:
                if hold > start:
                    events.append(self._send(whole[start:hold], None))
                break
            if found.start() > start:
                events.append(self._send(whole[start : found.start()], None))
            events.append(self._send(found[0], self._fetched[found[0]]))
        return events

    def _open_from(self, whole: str, start: int) -> int:
        """Return from where on a value may have begun whose end is still to come."""
        for at in range(max(start, len(whole) - self._longest), len(whole)):
            tail = whole[at:]
            if any(value.startswith(tail) for value in self._fetched):
                return at
        return len(whole)

    def _send(self, text: str, fact: Span | None) -> Text:
        start = len(self.text)
        self.text += text
        self._unsent = self._unsent[len(text) :]
        if fact is None:
            last = self.spans[-1] if self.spans else None
            if last is not None and last.origin == "parametric":
                self.spans[-1] = Span(last.start, len(self.text), "parametric")
            else:
                self.spans.append(Span(start, len(self.text), "parametric"))
            return Text(text, "parametric")
        self.spans.append(replace(fact, start=start, end=len(self.text)))
        return Text(text, "fact", fact.fact_id, fact.source)


def _as_word(value: str) -> str:
    before = r"(?<!\w)" if value[0].isalnum() else ""
    after = r"(?!\w)" if value[-1].isalnum() else ""
    return before + re.escape(value) + after
