"""The result of a generation: text, where each part came from, and the lookups."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from lamlam.runtime.decoding.spans import LookupRecord, Origin, Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lamlam.memory_backends.protocol import FactStore
    from lamlam.memory_backends.resolution.layers import Layers
    from lamlam.memory_backends.sync import SyncFactStore
    from lamlam.runtime.decoding.verification import Verification

FinishReason = Literal[
    "stop", "length", "context", "stop_string", "miss", "max_lookups", "tool_calls"
]
"""``max_lookups``: the model of a chat called the tool more often than allowed; ``tool_calls``: it
called tools of the caller's."""


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
    namespace: tuple[str, ...] = field(default=(), kw_only=True)
    """Whose facts were read first."""
    shared_namespace: tuple[str, ...] | None = field(default=None, kw_only=True)
    """Read where the first had nothing; ``None``: nothing else was."""

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain dictionaries, lists, strings and numbers."""
        plain = asdict(self)
        for lookup in plain["lookups"]:
            lookup["status"] = str(lookup["status"])
        for holder in (plain, *plain.get("tool_calls", ())):
            if hasattr(holder.get("parsed"), "model_dump"):
                holder["parsed"] = holder["parsed"].model_dump(mode="json")
        return plain

    async def verify(
        self,
        store: FactStore,
        *,
        namespace: Iterable[str] | None = None,
        shared_namespace: Iterable[str] | None = (),
    ) -> Verification:
        """Return whether what came from memory still holds in a store, span by span.

        Args:
            namespace: whose text it is; by default that of the generation, and so the shared one.
            shared_namespace: behind a namespace that is named here.

        Raises:
            FactStoreError: the store cannot be read; see its subclasses.
            BadFact, OverlayCycle: not a namespace, or both are the same.
        """
        from lamlam.runtime.decoding.verification import verify

        layers = self._layers(namespace, shared_namespace)
        return await verify(self.text, self.spans, self.lookups, store, layers)

    def verify_sync(
        self,
        store: SyncFactStore,
        *,
        namespace: Iterable[str] | None = None,
        shared_namespace: Iterable[str] | None = (),
    ) -> Verification:
        """Return the same as `verify`, for code without ``async``."""
        from lamlam.runtime.decoding.verification import verify_sync

        layers = self._layers(namespace, shared_namespace)
        return verify_sync(self.text, self.spans, self.lookups, store, layers)

    def _layers(
        self, namespace: Iterable[str] | None, shared_namespace: Iterable[str] | None
    ) -> Layers:
        from lamlam.memory_backends.resolution.layers import Layers, read_layers

        if namespace is None:
            return Layers(self.namespace, self.shared_namespace)
        return read_layers(namespace, shared_namespace)


@dataclass(frozen=True, slots=True)
class RequestedCall:
    """A call of one of the caller's tools."""

    id: str
    """To be given back as ``tool_call_id`` with the result."""
    name: str
    arguments: dict[str, Any]
    parsed: Any = None
    """What the arguments make of the pydantic model, or of that of the function's parameters."""
    parse_error: str | None = None
    """Why the model refuses them, where a rule of it is not in its JSON schema."""


@dataclass(frozen=True, slots=True)
class ChatUsage:
    """Tokens of all turns of an answer: an answer that looks facts up takes several."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    turns: int = 0

    @property
    def total_tokens(self) -> int:
        """Prompts and what was written."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class ChatCompletion(Completion):
    """A finished answer: ``text`` is the answer alone, and ``n_text_tokens`` its last turn's."""

    message: dict[str, Any]
    """The answer as a message, to be appended to the conversation."""
    reasoning: str = field(default="", kw_only=True)
    """What the model thought before it answered, which is no part of the text."""
    messages: tuple[dict[str, Any], ...]
    """All that this answer adds to the conversation: calls, results of memory, the answer."""
    tool_calls: tuple[RequestedCall, ...] = field(default=(), kw_only=True)
    """What the caller is asked to do, with ``finish_reason`` ``tool_calls``."""
    parsed: Any = field(default=None, kw_only=True)
    """What the text says, where ``response_format`` was given: what JSON holds, or an instance of
    the pydantic model."""
    parse_error: str | None = field(default=None, kw_only=True)
    """Why there is none: the text was cut off, or a rule of the model is not in its JSON schema."""
    usage: ChatUsage = field(default=ChatUsage(), kw_only=True)
