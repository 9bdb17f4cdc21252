"""What was said in a chat, and the next answer: the oldest turns make room where it gets long."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lamlam.cli.chat_lines import mentions

if TYPE_CHECKING:
    from lamlam.runtime.decoding.completion import Completion
    from lamlam.runtime.decoding.events import Event
    from lamlam.runtime.decoding.spans import LookupRecord
    from lamlam.runtime.sync import SyncEngine

_MARKS = 16
"""Tokens that a template writes around a message, about."""


@dataclass(slots=True)
class Turn:
    """A message and its answer."""

    message: str
    text: str = ""
    completion: Completion | None = None
    """``None`` where the answer was stopped."""
    lookups: tuple[LookupRecord, ...] = ()
    n_tokens: int = 0
    """That it takes of the context, about."""

    def messages(self) -> list[dict[str, Any]]:
        """Return the turn as a part of a conversation."""
        answer: list[dict[str, Any]] = list(getattr(self.completion, "messages", ()))
        return [
            {"role": "user", "content": self.message},
            *(answer or [{"role": "assistant", "content": self.text}]),
        ]

    def mentions(self, name: str) -> bool:
        """Return whether message, answer, or what was asked for it names somebody."""
        said = [self.message, self.text]
        said += [f"{one.entity} {one.value}" for one in self.lookups]
        said += [str(one.get("content")) for one in self.messages()]
        return any(mentions(one, name) for one in said)


@dataclass(frozen=True, slots=True)
class TurnsDropped:
    """The oldest turns were left out: the conversation no longer fits the context."""

    turns: int


@dataclass(slots=True)
class Talk:
    """The turns so far, whichever engine answers."""

    options: dict[str, Any]  # Any: the engine checks them
    """Of each answer."""
    system: str | None = None
    turns: list[Turn] = field(default_factory=list)

    def answer(self, engine: SyncEngine, message: str) -> Generator[Event | TurnsDropped]:
        """Yield what happens while a message is answered; closing the iterator stops the answer.

        A model with a chat template gets the talk so far, another one the message alone, as the
        beginning of a text.

        Raises:
            LamLamError: as of `SyncEngine.stream_chat` and `SyncEngine.stream`.
        """
        from lamlam.errors import PromptTooLong

        if not is_chat(engine):
            with engine.stream(message, **self.options) as events:
                yield from events
            return
        if dropped := self._make_room(engine.context, message):
            yield TurnsDropped(dropped)
        while True:
            try:
                with engine.stream_chat(self._conversation(message), **self.options) as events:
                    yield from events
                return
            except PromptTooLong:
                if not self.turns:
                    raise
                del self.turns[0]
                yield TurnsDropped(1)

    def add(self, turn: Turn) -> None:
        """Keep a turn that was answered, wholly or in part."""
        turn.n_tokens = _about(turn.message) + _about(turn.text)
        if turn.completion is not None:
            whole = turn.completion.n_prompt_tokens + turn.completion.n_text_tokens
            turn.n_tokens = max(0, whole - self._n_tokens())
        self.turns.append(turn)

    def forget(self, name: str) -> int:
        """Leave out the turns that mention a name; return how many there were."""
        kept = [turn for turn in self.turns if not turn.mentions(name)]
        n_gone = len(self.turns) - len(kept)
        self.turns = kept
        return n_gone

    def _conversation(self, message: str) -> list[dict[str, Any]]:
        system = [{"role": "system", "content": self.system}] if self.system else []
        before = [one for turn in self.turns for one in turn.messages()]
        return [*system, *before, {"role": "user", "content": message}]

    def _n_tokens(self) -> int:
        return sum(turn.n_tokens for turn in self.turns)

    def _make_room(self, context: int, message: str) -> int:
        """Drop the oldest turns until the answer has room, too, as far as can be told before."""
        answer = min(self.options.get("max_tokens", 256), context // 4)
        room = context - answer - _about(message)
        n_before = len(self.turns)
        while self.turns and self._n_tokens() > room:
            del self.turns[0]
        return n_before - len(self.turns)


def _about(text: str) -> int:
    """Return about how many tokens a message takes; more where it is not English."""
    return len(text) // 3 + _MARKS


def is_chat(engine: SyncEngine) -> bool:
    """Return whether the model file has a chat template."""
    return isinstance(engine.metadata.get("tokenizer.chat_template"), str)


def asks_memory(engine: SyncEngine) -> bool:
    """Return whether the model has lookup tokens."""
    from lamlam.lookup_tokens import ENTITY

    return ENTITY in engine.metadata["tokenizer.ggml.tokens"]
