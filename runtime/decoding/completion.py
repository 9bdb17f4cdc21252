"""The result of a generation: text, where each part came from, and the lookups."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from lamlam.runtime.decoding.spans import LookupRecord, Origin, Span

if TYPE_CHECKING:
    from lamlam.memory_backends.protocol import FactStore
    from lamlam.memory_backends.sync import SyncFactStore
    from lamlam.runtime.decoding.verification import Verification

FinishReason = Literal["stop", "length", "context", "stop_string", "miss", "max_lookups"]
"""``max_lookups``: the model of a chat called the tool more often than allowed."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A token that was likely at the same place."""

    text: str
    """Its own text; a lookup token's name; empty for marks such as the end of text."""
    token: int
    logprob: float


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """One token of the visible text."""

    text: str
    """Empty where a character takes several tokens and this is not the last of them."""
    token: int
    logprob: float | None
    """Natural logarithm of the model's own probability, before masks, biases, penalties and
    temperature; ``None`` where the token was written from memory and not by the model."""
    origin: Origin
    """``fact`` where any of the text belongs to a span of that origin."""
    top: tuple[Alternative, ...]
    """The likeliest tokens, likeliest first, as many as were asked for."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The result of a generation."""

    text: str
    """The prompt and its continuation, without lookups."""
    spans: tuple[Span, ...]
    """Cover the text from 0 to its end without gap or overlap."""
    lookups: tuple[LookupRecord, ...]
    finish_reason: FinishReason
    n_tokens: int
    """Sampled or forced after the prompt, rewound ones included."""
    n_text_tokens: int
    """Of the text after the prompt, what a stop string then cut off included."""
    n_prompt_tokens: int
    logprobs: tuple[TokenLogprob, ...] | None = field(default=None, kw_only=True)
    """The tokens after the prompt, if they were asked for: their texts, joined, are the text
    after the prompt. Lookups, and tokens that were rewound, are not among them."""

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain dictionaries, lists, strings and numbers."""
        plain = asdict(self)
        for lookup in plain["lookups"]:
            lookup["status"] = str(lookup["status"])
        return plain

    async def verify(self, store: FactStore) -> Verification:
        """Return whether what came from memory still holds in a store, span by span.

        Raises:
            FactStoreError: the store cannot be read; see its subclasses.
        """
        from lamlam.runtime.decoding.verification import verify

        return await verify(self.text, self.spans, self.lookups, store)

    def verify_sync(self, store: SyncFactStore) -> Verification:
        """Return the same as `verify`, for code without ``async``."""
        from lamlam.runtime.decoding.verification import verify_sync

        return verify_sync(self.text, self.spans, self.lookups, store)


@dataclass(frozen=True, slots=True)
class ChatCompletion(Completion):
    """A finished answer: ``text`` is the answer alone, and ``n_text_tokens`` its last turn's."""

    message: dict[str, Any]
    """The answer as a message, to be appended to the conversation."""
    reasoning: str = field(default="", kw_only=True)
    """What the model thought before it answered, which is no part of the text."""
    messages: tuple[dict[str, Any], ...]
    """All that this answer adds to the conversation: calls, results of memory, the answer."""
