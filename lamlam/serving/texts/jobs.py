"""`Job`: one generation that a request asks for, before it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamlam.errors import NoChatTemplate
from lamlam.serving.answers.refusals import Refusal, sentence
from lamlam.serving.gate.places import place_of
from lamlam.serving.openai_api.bodies import GenerationBody, wrong
from lamlam.serving.texts.written import WrittenText, written_text

if TYPE_CHECKING:
    from lamlam.access_keys import Access
    from lamlam.runtime.decoding.completion import Completion
    from lamlam.runtime.decoding.events import Event
    from lamlam.serving.state.served import Served


@dataclass(frozen=True, slots=True)
class Job:
    """How a text is generated, at once or as a stream, and what is made of the result."""

    complete: Callable[[], Awaitable[Completion]]
    stream: Callable[[], AbstractAsyncContextManager[AsyncIterator[Event]]]
    prompt: str = ""
    """What the completion begins with."""
    is_trimmed: bool = False

    def written(self, completion: Completion) -> WrittenText:
        """Return the text without its prompt."""
        return written_text(completion, self.prompt, is_trimmed=self.is_trimmed)


def checked_options(served: Served, access: Access, body: GenerationBody) -> dict[str, Any]:
    """Return the settings of a generation, once it is known that the client may have it.

    Raises:
        Refusal, RightMissing, NamespaceRefused: it may not.
    """
    access.need("read")
    if body.model != served.model:
        raise Refusal(
            404,
            f"the model {body.model[:80]!r} is not served here, only {served.model!r}",
            "model_not_found",
            "model",
        )
    options = body.options()
    if served.store is not None:
        space = place_of(access, body.namespace)
        shared = access.behind(space)
        if space or shared != ():
            options |= {"namespace": space, "shared_namespace": shared}
    elif body.namespace:
        raise wrong("namespace", "this server has no memory")
    return options


def text_job(served: Served, prompt: str, options: dict[str, Any]) -> Job:
    """Return the job of going on with a text."""
    engine = served.engine
    return Job(
        lambda: engine.generate(prompt, **options),
        lambda: engine.stream(prompt, **options),
        prompt,
    )


def chat_job(served: Served, messages: list[Any], options: dict[str, Any]) -> Job:
    """Return the job of answering a conversation.

    A model without a chat template goes on with the last message, as in ``lamlam chat``.

    Raises:
        BadMessages: the messages are not a conversation.
        Refusal: tools or a form of the answer, and the model has no chat template.
    """
    engine = served.engine
    if served.is_chat:
        return Job(
            lambda: engine.chat(messages, **options),
            lambda: engine.stream_chat(messages, **options),
        )
    for name in ("tools", "response_format"):
        if options.pop(name, None) is not None:
            said = sentence(NoChatTemplate(f"the model {served.model!r} has no chat template"))
            raise wrong(name, f"{said}, so it has only texts", "not_a_chat_model", 422)
    for name in ("tool_choice", "parallel_tool_calls"):
        options.pop(name, None)
    prompt = _last_message(messages)
    if served.store is not None and served.asks_memory:
        options.setdefault("policy", "memory_only")
    return Job(
        lambda: engine.generate(prompt, **options),
        lambda: engine.stream(prompt, **options),
        prompt,
        is_trimmed=True,
    )


def _last_message(messages: list[Any]) -> str:
    from lamlam.runtime.chat.messages import read_messages

    return str(read_messages(messages)[-1]["content"])
