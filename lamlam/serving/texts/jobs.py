"""What a request asks the engine for, once it is known that the client may have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamlam.answering import jobs
from lamlam.errors import NoChatTemplate
from lamlam.serving.answers.refusals import Refusal, sentence
from lamlam.serving.gate.places import place_of
from lamlam.serving.openai_api.bodies import GenerationBody, wrong

if TYPE_CHECKING:
    from lamlam.access_keys import Access
    from lamlam.serving.state.served import Served


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


def chat_job(served: Served, messages: list[Any], options: dict[str, Any]) -> jobs.Job:
    """Return the job of answering a conversation.

    A model without a chat template goes on with the last message, as in ``lamlam chat``.

    Raises:
        BadMessages: the messages are not a conversation.
        Refusal: tools or a form of the answer, and the model has no chat template.
    """
    if not served.is_chat:
        for name in jobs.NEEDS_TEMPLATE:
            if options.get(name) is not None:
                said = sentence(NoChatTemplate(f"the model {served.model!r} has no chat template"))
                raise wrong(name, f"{said}, so it has only texts", "not_a_chat_model", 422)
        if served.store is not None and served.asks_memory:
            options.setdefault("policy", "memory_only")
    return jobs.chat_job(served.engine, messages, options, is_trimmed=True)
