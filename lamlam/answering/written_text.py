"""What was generated, as servers and frameworks show it: text, where it came from, tokens."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from lamlam.memory_backends.model.namespaces import written
from lamlam.runtime.decoding.completion import ChatCompletion

if TYPE_CHECKING:
    from lamlam.runtime.decoding.completion import Completion, RequestedCall, TokenLogprob
    from lamlam.runtime.decoding.spans import LookupRecord, Span

Reason = Literal["stop", "length", "tool_calls"]
_REASONS: dict[str, Reason] = {
    "stop": "stop", "stop_string": "stop", "miss": "stop", "length": "length",
    "context": "length", "max_lookups": "length", "tool_calls": "tool_calls",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class WrittenText:
    """A text that was generated, without the prompt, and what is known of it."""

    text: str
    spans: tuple[Span, ...]
    lookups: tuple[LookupRecord, ...]
    completion: Completion
    n_prompt_tokens: int
    n_tokens: int
    reasoning: str = ""
    tool_calls: tuple[RequestedCall, ...] = ()
    logprobs: tuple[TokenLogprob, ...] | None = None

    @property
    def reason(self) -> Reason:
        """Why it ended, in OpenAI's words."""
        return _REASONS[self.completion.finish_reason]

    def citations(self) -> list[Citation]:
        """Return a citation for each stretch that is exactly a value of memory."""
        asked: dict[str | None, LookupRecord] = {
            one.fact_id: one for one in self.lookups if one.fact_id
        }
        return [
            Citation(one.start, one.end, one.fact_id or "", one.source, asked.get(one.fact_id))
            for one in self.spans
            if one.origin == "fact"
        ]

    def provenance(self) -> dict[str, Any]:
        """Return where each character came from, and every lookup, as JSON."""
        done = self.completion
        return {
            "spans": [_span(span) for span in self.spans],
            "lookups": [_lookup(one) for one in self.lookups],
            "finish_reason": done.finish_reason,
            "namespace": written(done.namespace),
            "shared_namespace": (
                None if done.shared_namespace is None else written(done.shared_namespace)
            ),
        }


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a stretch of a text comes from: ``text[start:end]`` is the value of a fact."""

    start: int
    end: int
    fact_id: str
    source: str | None
    """Of the fact: a title, an address, or whatever it was stored with."""
    lookup: LookupRecord | None
    """That fetched it."""

    @property
    def page(self) -> str | None:
        """The source, where it is the address of a page."""
        source = self.source or ""
        is_page = source.startswith(("https://", "http://")) and not any(map(str.isspace, source))
        return source if is_page else None

    @property
    def asked(self) -> str:
        """Entity and relation as the model wrote them, as one line; empty where nobody knows."""
        return f"{self.lookup.entity}: {self.lookup.relation}" if self.lookup is not None else ""

    @property
    def statement(self) -> str:
        """The same with the value."""
        return f"{self.asked}: {self.lookup.value}" if self.lookup is not None else ""


def written_text(
    completion: Completion, prompt: str = "", *, is_trimmed: bool = False
) -> WrittenText:
    """Return what follows the prompt.

    Args:
        is_trimmed: of an answer to a message, which does not begin with a space.
    """
    start = len(prompt)
    if is_trimmed:
        start = len(completion.text) - len(completion.text[start:].lstrip())
    shifted = [
        replace(one, start=max(one.start, start) - start, end=one.end - start)
        for one in completion.spans
        if one.end > start
    ]
    lookups = tuple(replace(one, at=max(0, one.at - start)) for one in completion.lookups)
    n_prompt, n_tokens = completion.n_prompt_tokens, completion.n_tokens
    if isinstance(completion, ChatCompletion):
        n_prompt, n_tokens = completion.usage.prompt_tokens, completion.usage.completion_tokens
        return WrittenText(
            completion.text[start:], tuple(shifted), lookups, completion, n_prompt, n_tokens,
            completion.reasoning, completion.tool_calls, completion.logprobs,
        )  # fmt: skip
    return WrittenText(
        completion.text[start:], tuple(shifted), lookups, completion, n_prompt, n_tokens,
        logprobs=completion.logprobs,
    )  # fmt: skip


def _span(span: Span) -> dict[str, Any]:
    plain: dict[str, Any] = {"start": span.start, "end": span.end, "origin": span.origin}
    if span.origin == "fact":
        plain |= {
            "fact_id": span.fact_id,
            "source": span.source,
            "revision": None if span.revision is None else int(span.revision),
            "namespace": written(span.namespace),
            "match": None if span.match is None else asdict(span.match),
        }
    return plain


def _lookup(one: LookupRecord) -> dict[str, Any]:
    return {
        "entity": one.entity,
        "relation": one.relation,
        "status": str(one.status),
        "value": one.value,
        "fact_id": one.fact_id,
        "source": one.source,
        "at": one.at,
        "revision": None if one.revision is None else int(one.revision),
        "namespace": written(one.namespace),
        "elapsed_s": round(one.elapsed_s, 6),
    }
