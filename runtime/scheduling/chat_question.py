"""What the last message of a chat asks for, as evidence for the lookups of the answer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lamlam.runtime.decoding.due_lookup import DueLookup, DueLookups, Spoken, SpokenWatch
from lamlam.runtime.decoding.vocabulary import ChatPrompt
from lamlam.runtime.wording.chat_questions import (
    ChatQuestion,
    ReadMessage,
    is_common,
    read_message,
)
from lamlam.runtime.wording.lead_sentences import lacking_of, lead_of

if TYPE_CHECKING:
    from lamlam.runtime.scheduling.sequence import RunningSequence
    from lamlam.runtime.wording.word_guide import WordGuide


def ask_for_question(sequence: RunningSequence) -> None:
    """Have the answer of a chat look up what its questions name, and say what memory lacks.

    Where talk and message name nothing that memory could be asked about, no lookup is made; where
    they ask nothing of what they name, lookups are discouraged. An answer in a given form, or one
    that begins with a thought, is the model's.
    """
    prompt, guide, decoder = sequence.request.prompt, sequence.word_guide, sequence.decoder
    if not isinstance(prompt, ChatPrompt) or not prompt.question or guide is None:
        return
    settings = sequence.request.settings
    if settings.grammar is not None or prompt.thought or not decoder.may_open_lookup:
        return
    message = read_message(guide, prompt.before, prompt.question)
    context = "\n".join([*prompt.before, prompt.question])
    if message.questions:
        decoder.expect(_due(guide, message, context, prompt.question))
        return
    if message.is_polite or not message.has_name:
        decoder.close_lookups(is_common)
        if message.is_whole:
            decoder.end_with_sentence()
        return
    decoder.watch(SpokenWatch(partial(_spoken, guide, context, "")))
    if not message.asks:
        decoder.discourage_lookups(is_common)


def _due(guide: WordGuide, message: ReadMessage, context: str, question: str) -> DueLookups:
    waiting: list[DueLookup] = []
    values: list[str] = []
    for one in message.questions:
        view = guide.meanings.of(one.entity, fuzzy=False).view
        held = () if view is None else tuple(view.values(one.relations[0]))
        values += held
        name = _name_in(context, one)
        relation = one.relations[0]
        waiting.append(
            DueLookup(
                one.entity,
                one.key,
                one.relations,
                lead_of(name, relation, held) if one.is_held else lacking_of(name, relation),
                begins_answer=one.is_yes_or_no or one.is_listed or not one.is_held,
            )
        )
    only = waiting[0].key if len({one.key for one in waiting}) == 1 else ""
    read = partial(_spoken, guide, context, only)
    return DueLookups(waiting, question, values, read, is_whole=message.is_whole)


def _name_in(context: str, one: ChatQuestion) -> str:
    """Return the name of an entity as the talk writes it, else as memory does."""
    name = one.entity.partition(" (")[0]
    at = context.casefold().rfind(name.casefold())
    written = context[at : at + len(name)] if at >= 0 else name
    return written if written.casefold() == name.casefold() and written != written.lower() else name


def _spoken(guide: WordGuide, context: str, only: str, answer: str) -> Spoken | None:
    """Return what the open end of an answer speaks of.

    Args:
        only: key of the one entity of the questions, of which a sentence without a name speaks.
    """
    for text in (answer, f"{context}\n{answer}"):
        found = guide.read(text)
        if found is None or found.form != "open":
            return None
        if found.entity and text is answer:
            is_clear = found.is_clear and bool(found.relations)
            return Spoken(found.entity, found.key, found.relations[0]) if is_clear else None
        if found.key == only and found.is_clear and found.relations:
            return Spoken(found.entity, found.key, found.relations[0])
        if not only:
            return None
    return None
