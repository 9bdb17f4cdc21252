"""Documents annotated by a language model: many at a time, in order, each reply checked."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Protocol

from lamlam.errors import AnnotatorFailed
from lamlam.trainer.annotation.annotator_prompt import VERSION, messages_for
from lamlam.trainer.annotation.chat_endpoint import ModelReply
from lamlam.trainer.annotation.reply_check import check_reply
from lamlam.trainer.annotation.reply_grammar import grammar_for
from lamlam.trainer.annotation.subjects import sentence_spans
from lamlam.trainer.annotation.work_file import WorkFile, key_of
from lamlam.trainer.documents import Document, StatedFact

_MOST_OF_REQUEST = 3000
"""Characters of text in one request; longer documents need several."""
_AHEAD = 4
"""Documents that are begun before the oldest is done, for each one at a time."""
_FOLLOWS = "is it a model that follows instructions? try it with one text"
_HINTS = {
    "text changed": _FOLLOWS,
    "status 429": "the endpoint limits requests: try again with a lower --concurrency",
    "status 5": "the endpoint has a fault of its own: look at its log, or try again later",
    "connection lost": "is the server still running? its log may say more",
    "timed out": "raise --timeout, or lower --concurrency",
    "not an answer of a chat": "is it the address of a chat endpoint, such as http://HOST:8000/v1?",
}
"""What to do, by the commonest reason."""
_MOST_IN_A_ROW = 10
"""Documents that fail one after the other, from the first on, before the run stops."""


class AskedModel(Protocol):
    """What annotates: an endpoint, or a model of this process."""

    def ask(
        self, messages: list[dict[str, str]], most_tokens: int, grammar: str | None = None
    ) -> ModelReply | None:
        """Return the reply, or None."""
        ...


@dataclass(slots=True)
class AnnotatorFigures:
    """What a run of the annotator took, so far."""

    requests: int = 0
    reused: int = 0
    """Replies of an earlier run."""
    failed: int = 0
    """Documents without a usable reply; they are left out."""
    prompt_tokens: int = 0
    reply_tokens: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """Calls of the replies that were dropped, by reason."""
    began: float = field(default_factory=time.monotonic)

    @property
    def tokens_per_s(self) -> float:
        """Tokens of prompts and replies each second."""
        return (self.prompt_tokens + self.reply_tokens) / max(1e-9, time.monotonic() - self.began)

    def cost(self, price_in: float, price_out: float) -> float:
        """Return the cost, with prices for a million tokens."""
        return (self.prompt_tokens * price_in + self.reply_tokens * price_out) / 1e6


@dataclass(frozen=True, slots=True)
class _AskedPart:
    """One part of a document, and what came back."""

    start: int
    text: str
    reply: ModelReply | None
    is_reused: bool = False


@dataclass(slots=True)
class ModelAnnotator:
    """Asks a model for each document.

    Args:
        model: whom to ask.
        name: of the model: replies of another one are not used again.
        work: where replies are kept.
        concurrency: requests at a time.
        with_grammar: bind each reply to its text by a grammar of llama.cpp.
    """

    model: AskedModel
    name: str
    work: WorkFile
    concurrency: int = 8
    with_grammar: bool = False
    figures: AnnotatorFigures = field(default_factory=AnnotatorFigures)

    def annotate(
        self,
        documents: Iterable[Document],
        report: Callable[[AnnotatorFigures], None] | None = None,
    ) -> Iterator[tuple[Document, Document]]:
        """Yield each document as it was and with the facts of the replies, in order.

        Documents without a usable reply are counted, not yielded.

        Args:
            documents: their own facts stay, and win over those of the replies.
            report: is called after each document.

        Raises:
            AnnotatorFailed: the endpoint refuses, or none of the first documents succeeds.
        """
        waiting: deque[tuple[Document, Future[list[_AskedPart]]]] = deque()
        tasks: queue.SimpleQueue[tuple[Document, Future[list[_AskedPart]]] | None] = (
            queue.SimpleQueue()
        )
        # Daemons: a request that waits for its endpoint must not hold up the end of the process.
        for number in range(self.concurrency):
            name = f"annotator-{number}"
            threading.Thread(target=self._work_off, args=(tasks,), name=name, daemon=True).start()
        n_done = 0
        try:
            for document in documents:
                waiting.append((document, Future()))
                tasks.put(waiting[-1])
                if len(waiting) > self.concurrency * _AHEAD:
                    yield from self._finish(*waiting.popleft(), n_done, report)
                    n_done += 1
            while waiting:
                yield from self._finish(*waiting.popleft(), n_done, report)
                n_done += 1
            if n_done and self.figures.failed == n_done:
                raise self._nothing_usable()
        finally:
            for _, asked in waiting:
                asked.cancel()
            stop = getattr(self.model, "stop", None)
            if waiting and stop is not None:
                stop.set()
            for _ in range(self.concurrency):
                tasks.put(None)

    def _work_off(
        self, tasks: queue.SimpleQueue[tuple[Document, Future[list[_AskedPart]]] | None]
    ) -> None:
        while (task := tasks.get()) is not None:
            document, asked = task
            if not asked.set_running_or_notify_cancel():
                continue
            try:
                asked.set_result(self._ask(document))
            except BaseException as error:  # raised again where the result is read
                asked.set_exception(error)

    def _finish(
        self,
        document: Document,
        asked: Future[list[_AskedPart]],
        n_done: int,
        report: Callable[[AnnotatorFigures], None] | None,
    ) -> Iterator[tuple[Document, Document]]:
        annotated = self._with_facts(document, asked.result())
        figures = self.figures
        if annotated is None:
            figures.failed += 1
            if figures.failed == n_done + 1 >= _MOST_IN_A_ROW:
                raise self._nothing_usable()
        if report is not None:
            report(figures)
        if annotated is not None:
            yield document, annotated

    def _nothing_usable(self) -> AnnotatorFailed:
        why = self._why()
        hint = next((hint for reason, hint in _HINTS.items() if reason in why), _FOLLOWS)
        return AnnotatorFailed(
            f"none of the first {self.figures.failed} documents got a usable answer ({why})",
            hint=hint,
        )

    def _why(self) -> str:
        failures = Counter[str](getattr(self.model, "failures", {}))
        found = (failures + self.figures.dropped).most_common(1)
        return found[0][0] if found else "no answer"

    def _ask(self, document: Document) -> list[_AskedPart]:
        parts: list[_AskedPart] = []
        for start, text in _parts(document.text):
            key = key_of(VERSION, self.name, self.with_grammar, document.title, text)
            known = self.work.get(key)
            if known is not None:
                parts.append(_AskedPart(start, text, known, is_reused=True))
                continue
            grammar = grammar_for(document.title, text) if self.with_grammar else None
            # Calls are longer than the values that they precede.
            reply = self.model.ask(messages_for(document.title, text), 256 + len(text), grammar)
            if reply is not None and not check_reply(reply.text, text, document.title).is_changed:
                self.work.put(key, reply)
            parts.append(_AskedPart(start, text, reply))
            if reply is None:
                break
        return parts

    def _with_facts(self, document: Document, asked: list[_AskedPart]) -> Document | None:
        figures = self.figures
        facts: list[StatedFact] = []
        is_whole = True
        for part in asked:
            figures.requests += not part.is_reused
            figures.reused += part.is_reused
            if part.reply is None:
                is_whole = False
                continue
            if not part.is_reused:
                figures.prompt_tokens += part.reply.prompt_tokens
                figures.reply_tokens += part.reply.reply_tokens
            checked = check_reply(part.reply.text, part.text, document.title)
            figures.dropped += checked.dropped
            if checked.is_changed:
                figures.dropped["text changed"] += 1
                is_whole = False
            facts += [replace(fact, at=fact.at + part.start) for fact in checked.facts]
        if not is_whole:
            return None
        taken = [(fact.at, fact.at + len(fact.value)) for fact in document.facts]
        new = [
            fact
            for fact in facts
            if not any(a < fact.at + len(fact.value) and fact.at < b for a, b in taken)
        ]
        merged = sorted([*document.facts, *new], key=lambda fact: fact.at)
        return replace(document, facts=tuple(merged))


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Yield a text in parts that a model can repeat, with their offsets."""
    start = end = 0
    for _, stop in sentence_spans(text):
        if end > start and stop - start > _MOST_OF_REQUEST:
            yield start, text[start:end]
            start = end
        while stop - start > _MOST_OF_REQUEST:  # a sentence without end
            space = text.rfind(" ", start + 1, start + _MOST_OF_REQUEST)
            cut = space if space > start else start + _MOST_OF_REQUEST
            yield start, text[start:cut]
            start = cut
        end = stop
    if start < len(text):
        yield start, text[start:]
