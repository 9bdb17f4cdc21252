"""`Job`: one text or answer that an engine is asked for, before it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lamlam.answering.written_text import WrittenText, written_text
from lamlam.runtime.chat.messages import read_messages

if TYPE_CHECKING:
    from lamlam.runtime.decoding.completion import Completion
    from lamlam.runtime.decoding.events import Event
    from lamlam.runtime.engine import Engine

NEEDS_TEMPLATE = ("tools", "response_format")
"""Options that a model without a chat template cannot have."""
_SAY_NOTHING = ("tool_choice", "parallel_tool_calls")
"""Options that change nothing without tools."""


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


def has_chat_template(engine: Engine) -> bool:
    """Return whether the model file of an open engine has a chat template."""
    return isinstance(engine.metadata.get("tokenizer.chat_template"), str)


def text_job(
    engine: Engine, prompt: str, options: dict[str, Any], *, is_trimmed: bool = False
) -> Job:
    """Return the job of going on with a text.

    Args:
        options: of `Engine.generate`.
        is_trimmed: the text is an answer, which does not begin with a space.
    """
    return Job(
        lambda: engine.generate(prompt, **options),
        lambda: engine.stream(prompt, **options),
        prompt,
        is_trimmed,
    )


def chat_job(
    engine: Engine, messages: list[Any], options: dict[str, Any], *, is_trimmed: bool = False
) -> Job:
    """Return the job of answering a conversation.

    A model without a chat template goes on with the last message alone. Tools and forms of the
    answer it cannot have: the job raises `NoChatTemplate` when it runs.

    Args:
        messages: as `Engine.chat` reads them.
        options: of `Engine.chat`.
        is_trimmed: the answer of a model without a template does not begin with a space.

    Raises:
        BadMessages: the messages are not a conversation.
    """
    if has_chat_template(engine) or any(name in options for name in NEEDS_TEMPLATE):
        return Job(
            lambda: engine.chat(messages, **options),
            lambda: engine.stream_chat(messages, **options),
        )
    options = {name: one for name, one in options.items() if name not in _SAY_NOTHING}
    prompt = str(read_messages(messages)[-1]["content"])
    return text_job(engine, prompt, options, is_trimmed=is_trimmed)
