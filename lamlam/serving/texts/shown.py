"""What was generated, in the words of OpenAI's API: citations, tokens, calls."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lamlam.answering.written_text import Citation, WrittenText
    from lamlam.runtime.decoding.completion import RequestedCall, TokenLogprob

_FORCED = 0.0
"""Log probability that is told of a token from memory: the model did not choose it."""


def response_citation(citation: Citation, base_url: str) -> dict[str, Any]:
    """Return a citation as ``/v1/responses`` has it, with an address that can be opened.

    The address is the source where that is a page, or else the fact itself on this server.
    """
    url = citation.page or f"{base_url}/facts/{quote(citation.fact_id, safe='')}"
    return {
        "type": "url_citation", "start_index": citation.start, "end_index": citation.end,
        "title": citation.source or citation.asked or "fact", "url": url,
    }  # fmt: skip


def chat_citation(citation: Citation, base_url: str) -> dict[str, Any]:
    """Return a citation as ``/v1/chat/completions`` has it."""
    inner = response_citation(citation, base_url)
    return {"type": inner.pop("type"), "url_citation": inner}


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
