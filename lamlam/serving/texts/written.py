"""What was generated, as all shapes of an answer need it: text, where it came from, tokens."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from lamlam.memory_backends.model.namespaces import written
from lamlam.runtime.decoding.completion import ChatCompletion

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lamlam.runtime.decoding.completion import Completion, RequestedCall, TokenLogprob
    from lamlam.runtime.decoding.spans import LookupRecord, Span

Reason = Literal["stop", "length", "tool_calls"]
_REASONS: dict[str, Reason] = {
    "stop": "stop", "stop_string": "stop", "miss": "stop", "length": "length",
    "context": "length", "max_lookups": "length", "tool_calls": "tool_calls",
}  # fmt: skip
_FORCED = 0.0
"""Log probability that is told of a token from memory: the model did not choose it."""


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

    def annotations(self, base_url: str) -> list[Citation]:
        """Return a citation for each stretch that is exactly a value of memory."""
        values = {one.fact_id: one for one in self.lookups if one.fact_id is not None}
        return [
            Citation.of(span, values.get(span.fact_id or ""), base_url)
            for span in self.spans
            if span.origin == "fact"
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
    """Where a stretch of a text comes from, as a page that can be opened."""

    start: int
    end: int
    title: str
    url: str

    @classmethod
    def of(cls, span: Span, lookup: LookupRecord | None, base_url: str) -> Citation:
        """Return the citation of a span: its source where that is an address, else the fact."""
        source = span.source or ""
        if source.startswith(("https://", "http://")) and not any(map(str.isspace, source)):
            url = source
        else:
            url = f"{base_url}/facts/{quote(span.fact_id or '', safe='')}"
        said = f"{lookup.entity}: {lookup.relation}" if lookup is not None else ""
        return cls(span.start, span.end, source or said or "fact", url)

    def of_responses(self) -> dict[str, Any]:
        """Return it as ``/v1/responses`` has it."""
        return {
            "type": "url_citation", "start_index": self.start, "end_index": self.end,
            "title": self.title, "url": self.url,
        }  # fmt: skip

    def of_chat(self) -> dict[str, Any]:
        """Return it as ``/v1/chat/completions`` has it."""
        inner = self.of_responses()
        return {"type": inner.pop("type"), "url_citation": inner}


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


def usage_of(texts: Iterable[WrittenText]) -> dict[str, int]:
    """Return the tokens of texts, as chat completions and completions tell them."""
    read, wrote = 0, 0
    for one in texts:
        read += one.n_prompt_tokens
        wrote += one.n_tokens
    return {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}


def call_json(call: RequestedCall) -> str:
    """Return the arguments of a call as JSON text."""
    return json.dumps(call.arguments, ensure_ascii=False)


def chat_logprobs(tokens: Iterable[TokenLogprob]) -> list[dict[str, Any]]:
    """Return log probabilities as chat completions and responses have them."""
    return [
        {
            **_scored(one.text, one.logprob),
            "top_logprobs": [_scored(other.text, other.logprob) for other in one.top],
        }
        for one in tokens
    ]


def told(logprob: float | None) -> float:
    """Return a log probability that JSON can hold; 0 of a token that memory wrote."""
    if logprob is None:
        return _FORCED
    return logprob if math.isfinite(logprob) else -9999.0


def _scored(text: str, logprob: float | None) -> dict[str, Any]:
    return {"token": text, "logprob": told(logprob), "bytes": list(text.encode("utf-8", "replace"))}


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
