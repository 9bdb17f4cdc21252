"""``/v1/completions``: goes on with a text."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

from pydantic import BaseModel, Field

from lamlam.answering.jobs import text_job
from lamlam.answering.written_text import WrittenText
from lamlam.runtime.decoding.events import Event, Text
from lamlam.serving.answers.refusals import Refusal, json_bytes
from lamlam.serving.openai_api.bodies import (
    GenerationBody,
    Positive,
    TextCount,
    TopCount,
    only,
    wrong,
)
from lamlam.serving.texts.generation import GenerationAnswer
from lamlam.serving.texts.jobs import checked_options
from lamlam.serving.texts.shown import chat_citation, told, usage_of
from lamlam.serving.texts.streams import END, StreamHead, StreamOptions, event_data, wants_usage

if TYPE_CHECKING:
    from lamlam.access_keys import Access
    from lamlam.runtime.decoding.completion import TokenLogprob
    from lamlam.serving.state.served import Served

_MOST_PROMPTS = 32
Prompt = Annotated[str, Field(pattern=r"\S")]


class CompletionBody(GenerationBody):
    """The body of a request for completions."""

    prompt: Prompt | Annotated[list[Prompt], Field(min_length=1, max_length=_MOST_PROMPTS)] = Field(
        description="What the text begins with; or several, each with a text of its own."
    )
    max_tokens: Positive | None = Field(
        None, description="Most tokens of the text; 64 where nothing is said."
    )
    stop: (
        Annotated[str, Field(min_length=1)]
        | Annotated[list[Annotated[str, Field(min_length=1)]], Field(max_length=16)]
        | None
    ) = None
    echo: bool | None = Field(None, description="Let the text begin with the prompt.")
    logprobs: TopCount | None = None
    n: TextCount | None = Field(None, description="Texts for each prompt.")
    stream_options: StreamOptions | None = None
    best_of: only(1, None) = None  # type: ignore[valid-type]  # made for each setting
    suffix: only("", None) = None  # type: ignore[valid-type]
    logit_bias: only({}, None) = None  # type: ignore[valid-type]
    frequency_penalty: only(0, None) = None  # type: ignore[valid-type]
    presence_penalty: only(0, None) = None  # type: ignore[valid-type]

    @property
    def prompts(self) -> list[str]:
        """Of each text that is wanted."""
        given = [self.prompt] if isinstance(self.prompt, str) else self.prompt
        return [one for one in given for _ in range(self.n or 1)]


class CompletionTexts(BaseModel):
    """The answer to a request for completions; `choices` hold text, annotations and provenance."""

    id: str
    object: str
    created: int
    model: str
    choices: list[dict[str, Any]]
    usage: dict[str, int]


def answer_completion(
    served: Served, access: Access, body: CompletionBody, base_url: str
) -> GenerationAnswer:
    """Return the answer to a request for completions.

    Raises:
        Refusal, RightMissing, NamespaceRefused: it cannot be.
    """
    options = checked_options(served, access, body)
    if body.max_tokens is not None:
        options["max_tokens"] = body.max_tokens
    if body.logprobs is not None:
        options["logprobs"] = body.logprobs
    jobs = [text_job(served.engine, prompt, options) for prompt in body.prompts]
    if body.stream and len(jobs) > 1:
        raise wrong("stream", "only one text at a time is streamed, so ask for each by itself")
    if len(jobs) > _MOST_PROMPTS:
        raise wrong("n", f"at most {_MOST_PROMPTS} texts are written for one request")
    head = StreamHead(f"cmpl-{uuid4().hex}", "text_completion", int(time.time()), served.model)
    shape = _ShownTexts(body, head, base_url)
    encoder = _CompletionEncoder(shape) if body.stream else None
    return GenerationAnswer(served, jobs, answer=shape.answer, encoder=encoder)


class _ShownTexts:
    """How texts are shown."""

    def __init__(self, body: CompletionBody, head: StreamHead, base_url: str) -> None:
        self.body = body
        self.head = head
        self.base_url = base_url

    def answer(self, texts: list[WrittenText]) -> bytes:
        choices = [self.choice(n, text) for n, text in enumerate(texts)]
        return json_bytes({**self.head.fields, "choices": choices, "usage": usage_of(texts)})

    def choice(self, n: int, written: WrittenText, *, has_text: bool = True) -> dict[str, Any]:
        """Return a text; of the last piece of a stream what was not told before."""
        text = written.text if has_text else ""
        if has_text and self.body.echo:
            text = self.body.prompts[n] + text
            written = _with_prompt(written, self.body.prompts[n])
        logprobs = None
        if written.logprobs is not None:
            at = len(self.body.prompts[n]) if self.body.echo else 0
            logprobs = _logprobs(written.logprobs, at)
        return {
            "text": text,
            "index": n,
            "logprobs": logprobs,
            "finish_reason": written.reason,
            "annotations": [chat_citation(one, self.base_url) for one in written.citations()],
            "provenance": written.provenance(),
        }


class _CompletionEncoder:
    """Writes a completion as a stream of events."""

    def __init__(self, shape: _ShownTexts) -> None:
        self._shape = shape
        piece = {"text": "\0", "index": 0, "logprobs": None, "finish_reason": None}
        self._around = shape.head.around({"choices": [piece]})

    def begin(self) -> bytes:
        prompt = self._shape.body.prompts[0]
        return self._around.piece(prompt) if self._shape.body.echo else b""

    def pieces(self, events: Iterable[Event]) -> bytes:
        text = "".join([event.text for event in events if isinstance(event, Text)])
        return self._around.piece(text) if text else b""

    def end(self, written: WrittenText) -> bytes:
        shape = self._shape
        last = shape.choice(0, written, has_text=False)
        data = event_data({**shape.head.fields, "choices": [last]})
        if wants_usage(shape.body.stream_options):
            usage = {"choices": [], "usage": usage_of([written])}
            data += event_data({**shape.head.fields, **usage})
        return data + END

    def failed(self, refusal: Refusal) -> bytes:
        return event_data({"error": refusal.details}) + END


def _with_prompt(written: WrittenText, prompt: str) -> WrittenText:
    """Return a text whose places are counted from the begin of its prompt."""
    from dataclasses import replace

    from lamlam.runtime.decoding.spans import Span

    at = len(prompt)
    spans = [replace(one, start=one.start + at, end=one.end + at) for one in written.spans]
    lookups = tuple(replace(one, at=one.at + at) for one in written.lookups)
    return replace(written, spans=(Span(0, at, "prompt"), *spans), lookups=lookups)


def _logprobs(tokens: Iterable[TokenLogprob], at: int) -> dict[str, Any]:
    """Return log probabilities as completions have them."""
    given = list(tokens)
    offsets = []
    for one in given:
        offsets.append(at)
        at += len(one.text)
    return {
        "tokens": [one.text for one in given],
        "token_logprobs": [told(one.logprob) for one in given],
        "top_logprobs": [{other.text: told(other.logprob) for other in one.top} for one in given],
        "text_offset": offsets,
    }
