"""One answer in a conversation: turns of the model, and lookups by tool calls between them.

`Conversation` is a pure state machine, so tests drive it with texts; `chat_events` drives it with
a model and a memory. A call of a tool of the caller's ends the answer: the caller does what it
asks for, and hands the result back in the messages of the next.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from lamlam.errors import BadChatTemplate, PromptTooLong
from lamlam.runtime.chat.chat_options import ChatOptions, check_offered, check_settings
from lamlam.runtime.chat.cited_text import CitedText
from lamlam.runtime.chat.instructions import instructed, noted, tool_instruction
from lamlam.runtime.chat.prompt import ChatFormat
from lamlam.runtime.chat.requested_calls import (
    call_message,
    for_client,
    free_id,
    naming_result,
    requested_call,
)
from lamlam.runtime.chat.shown_results import in_words, lookup_message, shown, written_lookup
from lamlam.runtime.chat.tool_calls import (
    LOOK_UP,
    MEMORY_READERS,
    AskedTool,
    FoundCalls,
    find_calls,
    may_become_call,
    reader_of,
)
from lamlam.runtime.chat.turn_offer import TurnOffer, turn_offer
from lamlam.runtime.chat.turn_text import TurnText, cut_answer, pieces_within
from lamlam.runtime.chat.written_calls import WrittenCalls, calls_of_turn
from lamlam.runtime.decoding.completion import (
    ChatCompletion,
    ChatUsage,
    Completion,
    FinishReason,
    RequestedCall,
)
from lamlam.runtime.decoding.events import (
    Event,
    Finished,
    LookupAnswered,
    LookupMissed,
    Text,
    Thought,
    ToolRequested,
)
from lamlam.runtime.decoding.lookup_answers import record_of, status_of
from lamlam.runtime.decoding.settings import TextSettings
from lamlam.runtime.decoding.spans import LookupRecord
from lamlam.runtime.decoding.thoughts import ThoughtSettings
from lamlam.runtime.decoding.vocabulary import ChatPrompt

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import Lookup, LookupResult

CALL_TOKENS = 192
"""Least room for a call behind the text that a turn may hold."""
_MAX_MISUNDERSTOOD = 3
"""Calls in one answer that do not fit their tools; then the model is offered none."""


class Conversation:
    """What has been said, and what the model is asked next."""

    def __init__(
        self,
        messages: list[dict[str, Any]],
        form: ChatFormat,
        settings: TextSettings,
        *,
        has_lookup_tokens: bool = False,
        has_memory: bool = False,
        options: ChatOptions | None = None,
    ) -> None:
        """Begin with the messages.

        Args:
            has_lookup_tokens: the model looks up while it writes, and asks memory by no tool.
            has_memory: there is a memory to be asked by tool calls.
            options: the caller's tools, and what is wanted of the answer.

        Raises:
            BadTools, UnknownOption: the tools cannot be offered beside that of the memory.
            UsageError: options that exclude each other.
        """
        self._messages = list(messages)
        self._n_given = len(messages)
        self._form = form
        self._settings = settings
        self._options = options = options or ChatOptions()
        self._has_lookup_tokens = has_lookup_tokens
        self._has_memory = has_memory and not has_lookup_tokens and options.choice != "none"
        self._has_tools = self._has_memory or (bool(options.tools) and options.choice != "none")
        check_offered(options, has_memory=self._has_memory)
        check_settings(
            options, settings, has_tools=self._has_tools, has_lookup_tokens=has_lookup_tokens
        )
        self._readers = {tool.name: reader_of(tool) for tool in options.tools}
        self._readers |= MEMORY_READERS if self._has_memory else {}
        self._instructs_user = False
        self._n_turns = 0
        self._n_calls = 0
        self._n_misunderstood = 0
        self._made: set[Lookup] = set()
        self._repeats = False
        """The model repeated a call, so further calls would not help."""
        self._notes: list[str] = []
        """Answers of memory, for a template without tools."""
        self._inside = ""
        """The mark of the thought that the prompt of the turn opened."""
        self._text = TurnText("")
        self._turn = ""
        """The answer of the turn, without thoughts."""
        self._pieces: list[tuple[int, Text]] = []
        """Of the turn of a model with lookup tokens, where it may be a call: where each begins."""
        self._n_released = 0
        self._thoughts: list[str] = []
        self._cited = CitedText()
        self._records: list[LookupRecord] = []
        self._n_tokens = 0
        self._n_all_prompt_tokens = 0
        self._n_unanswered = 0
        """Lookups that the turn asks for and memory has not answered."""
        self._asked: list[AskedTool] = []
        """Calls for the caller, made in the same turn."""
        self._last: Completion | None = None
        self._calls = WrittenCalls(form.call_form, (), (), str, is_parallel=False)

    @property
    def offer(self) -> TurnOffer:
        """What the next turn may call."""
        is_left = self._n_calls < self._settings.max_lookups and not self._repeats
        return turn_offer(
            self._options,
            asks_memory=self._has_memory and is_left,
            calls=self._n_misunderstood < _MAX_MISUNDERSTOOD,
            is_first=self._n_turns == 0,
        )

    @property
    def offers_tools(self) -> bool:
        """The next turn may call."""
        return bool(self.offer.tools)

    @property
    def settings(self) -> TextSettings:
        """Settings of the next turn."""
        offer, settings = self.offer, self._settings
        most = settings.max_tokens
        grammar = offer.grammar(self._options, self._form, most)
        settings = replace(settings, thoughts=ThoughtSettings(self._inside), grammar=grammar)
        if grammar is None:
            return settings
        if offer.callable:
            most += max(CALL_TOKENS, most if self._options.tools else 0)
        # What the runtime wrote into a form by itself could break it.
        verbalise = "model" if grammar.is_whole else settings.verbalise
        return replace(settings, max_tokens=most, verbalise=verbalise)

    @property
    def as_of(self) -> int | None:
        """The revision of the memory that answers; ``None`` for the present one."""
        return self._settings.as_of

    def prompt(self) -> ChatPrompt:
        """Begin the next turn, and return what it answers.

        If the template does not support tools, small models would repeat a call that they see
        in the conversation; so answers of memory are put below the question instead.

        Raises:
            BadChatTemplate: the template fails, or refuses the messages.
        """
        prompt = self._prompt()
        self._inside = prompt.thought
        self._text = TurnText(self._inside)
        self._calls = calls_of_turn(
            self._form.call_form, self._options, self.offer, partial(self._call_id, 0)
        )
        return prompt

    def _prompt(self) -> ChatPrompt:
        offered, response = self.offer.tools, self._options.response
        told = [response.instruction] if response is not None else []
        tools: list[dict[str, Any]] | None = None
        messages = self._messages
        if self._form.supports_tools:
            tools = [tool.definition() for tool in offered] or None
        else:
            messages = noted(self._messages[: self._n_given], self._notes)
            told = [tool_instruction(offered), *told] if offered else told
        if not told:
            return self._form.prompt(messages, tools)
        instruction = "\n\n".join(told)
        if not self._instructs_user:
            try:
                return self._form.prompt(instructed(messages, "system", instruction), tools)
            except BadChatTemplate:  # some have no system role
                self._instructs_user = True
        return self._form.prompt(instructed(messages, "user", instruction), tools)

    def too_long(self, error: PromptTooLong) -> PromptTooLong:
        """Return the error with the message that takes most of the prompt, if a result does."""
        return naming_result(error, self._messages)

    def heard(self, event: Text) -> list[Event]:
        """Take more text of the turn; return what can be sent."""
        return self._taken(self._text.add(event))

    def _taken(self, pieces: list[Text | Thought]) -> list[Event]:
        """Return what can be sent of pieces of the turn."""
        events: list[Event] = []
        for piece in pieces:
            if isinstance(piece, Thought) or (self._has_lookup_tokens and not self._has_tools):
                events.append(piece)
                continue
            if self._has_lookup_tokens:
                self._pieces.append((len(self._turn), piece))
            self._turn += piece.text
            held = self._held_from() if self._has_tools else None
            events += self._release(len(self._turn) if held is None else held)
            if held is not None:
                events += self._calls.more(self._turn)
        return events

    def _held_from(self) -> int | None:
        """Return from where on the turn may be a call."""
        opening = self._form.call_form.opening
        if self._options.response is not None and opening[:1] not in ("{", "["):
            # It is a call from its first letter on, or an answer.
            begun = self._turn.lstrip()
            return 0 if begun.startswith(opening) or opening.startswith(begun) else None
        return may_become_call(self._turn, self._readers, self._form.call_form)

    def ended(self, turn: Completion) -> tuple[list[Event], tuple[Lookup, ...]]:
        """End the turn; return what can be sent, and what the turn asks of memory.

        The last event is `Finished` where the answer is complete.
        """
        self._n_tokens += turn.n_tokens
        self._n_all_prompt_tokens += turn.n_prompt_tokens
        rest = self._taken(self._text.end())
        self._thoughts += filter(None, [self._text.thoughts])
        events, calls = self._ended(self._text.without_thoughts(turn))
        return [*rest, *events], calls

    def _ended(self, turn: Completion) -> tuple[list[Event], tuple[Lookup, ...]]:
        if self._has_lookup_tokens and not self._has_tools:
            self._turn = turn.text
            self._n_turns += 1
            return self._finished(turn, turn.finish_reason, turn.text), ()
        settings, was_offered = self._settings, self.offers_tools
        is_free = not (grammar := self.settings.grammar) or not grammar.is_whole
        reason: FinishReason = turn.finish_reason
        is_cut = reason in ("length", "context")
        found = self._find_calls(is_cut=is_cut)
        if found is not None and was_offered and not (found.problem and is_cut):
            if not (found.problem and self._has_lookup_tokens):
                self._last = turn
                events = self._end_turn(len(found.before))
                return self._called(found, events)
        if found is not None and not self._has_lookup_tokens:
            events = self._end_turn(len(found.before))
            reason = reason if is_cut else "max_lookups"
            return [*events, *self._finished(turn, reason, found.before)], ()
        events = self._end_turn(len(self._turn))
        if was_offered and is_free and reason == "stop":
            if turn.n_text_tokens >= settings.max_tokens:
                reason = "length"  # the call's own room was left free
        return [*events, *self._finished(turn, reason, self._turn)], ()

    def _find_calls(self, *, is_cut: bool) -> FoundCalls | None:
        if not self._has_tools or (
            self._options.response is not None and self._held_from() is None
        ):
            return None
        found = find_calls(self._turn, self._readers, self._form.call_form, is_cut=is_cut)
        if found is None or self._options.is_parallel:
            return found
        return replace(found, calls=found.calls[:1])

    def answered(self, call: Lookup, result: LookupResult) -> list[Event]:
        """Show the model the result, and recognise its values in what it writes from here on.

        The last event is `Finished` where the turn calls tools of the caller's, too.
        """
        status, elapsed_s = status_of(result), result.elapsed_ns / 1e9
        is_hit = status == "hit"
        if is_hit:
            self._cited.learn(result)
        record = record_of(
            call, result, status, elapsed_s, taken=result.answer(0) if is_hit else None
        )
        record = replace(record, at=len(self._cited.text))
        self._records.append(record)
        self._show(call, shown(result))
        self._n_unanswered -= 1
        told: Event = LookupAnswered(record) if is_hit else LookupMissed(record)
        if self._asked and not self._n_unanswered:
            return [told, *self._requested("")]
        return [told]

    # Text ----------------------------------------------------------------------------------

    def _release(self, end: int) -> list[Text]:
        """Send the turn up to there; a new turn begins on a new line."""
        start, text = self._n_released, self._turn[self._n_released : end]
        if not text:
            return []
        self._n_released = end
        if self._has_lookup_tokens:
            return pieces_within(self._pieces, start, end)
        said = self._cited.text
        is_joint = not start and said and not said[-1].isspace()
        return self._cited.add("\n" + text if is_joint and not text[0].isspace() else text)

    def _end_turn(self, end: int) -> list[Event]:
        events: list[Event] = [*self._release(max(end, self._n_released)), *self._cited.settle()]
        self._n_turns += 1
        return events

    def _finished(
        self,
        turn: Completion,
        reason: FinishReason,
        said: str,
        calls: tuple[RequestedCall, ...] = (),
    ) -> list[Event]:
        """End the answer with what was said in its last turn."""
        turn = replace(turn, finish_reason=reason)
        content = said.strip()
        made = {"tool_calls": [call_message(call) for call in calls]} if calls else {}
        self._messages.append({"role": "assistant", "content": content, **made})
        transparent = self._has_lookup_tokens
        if transparent:
            turn = cut_answer(turn, self._n_released if self._has_tools else len(turn.text))
        text = turn.text if transparent else self._cited.text
        message = {"role": "assistant", "content": text.strip(), **made}
        parsed, parse_error = self._parsed(reason, content)
        completion = ChatCompletion(
            text=text,
            spans=turn.spans if transparent else tuple(self._cited.spans),
            lookups=turn.lookups if transparent else tuple(self._records),
            finish_reason=reason,
            n_tokens=self._n_tokens,
            n_text_tokens=turn.n_text_tokens,
            n_prompt_tokens=turn.n_prompt_tokens,
            logprobs=turn.logprobs,
            namespace=self._settings.namespace,
            shared_namespace=self._settings.shared_namespace,
            reasoning="\n\n".join(self._thoughts),
            message=for_client(message),
            messages=tuple(map(for_client, self._messages[self._n_given :])),
            tool_calls=calls,
            parsed=parsed,
            parse_error=parse_error,
            usage=ChatUsage(self._n_all_prompt_tokens, self._n_tokens, self._n_turns),
        )
        return [*map(ToolRequested, calls), Finished(completion)]

    def _parsed(self, reason: FinishReason, content: str) -> tuple[Any, str | None]:
        response = self._options.response
        if response is None or reason == "tool_calls":
            return None, None
        if reason != "stop":
            return None, f"the answer was cut off (finish_reason {reason!r})"
        return response.parsed(content)

    # Calls ---------------------------------------------------------------------------------

    def _called(
        self, found: FoundCalls, events: list[Event]
    ) -> tuple[list[Event], tuple[Lookup, ...]]:
        """Add the calls to the conversation; return the lookups that may still be made."""
        said, self._turn = self._turn.strip(), ""
        n_released, self._n_released = self._n_released, 0
        if found.problem:
            self._n_calls += 1
            self._n_misunderstood += 1
            self._messages.append({"role": "assistant", "content": said})
            self._notes.append(f"A call was not understood: {found.problem}.")
            self._messages.append({"role": "user", "content": self._notes[-1]})
            return events, ()
        self._asked = [call for call in found.calls if isinstance(call, AskedTool)]
        asked = [call for call in found.calls if not isinstance(call, AskedTool)]
        new = [call for call in dict.fromkeys(asked) if call not in self._made]
        calls = tuple(new[: max(0, self._settings.max_lookups - self._n_calls)])
        self._made.update(calls)
        self._n_unanswered = len(calls)
        if self._asked and not calls:
            self._n_released = n_released
            return [*events, *self._requested(found.before)], ()
        if not calls:
            self._repeats = True
            return events, ()
        if self._form.supports_tools:
            made = [lookup_message(call, self._call_id(n)) for n, call in enumerate(calls)]
            self._messages.append(
                {"role": "assistant", "content": found.before, "tool_calls": made}
            )
        else:
            made_texts = [found.before, *(written_lookup(call) for call in calls)]
            content = "\n".join(text for text in made_texts if text)
            self._messages.append({"role": "assistant", "content": content})
        return events, calls

    def _requested(self, said: str) -> list[Event]:
        """End the answer with the calls for the caller."""
        assert self._last is not None
        tools = {tool.name: tool for tool in self._options.tools}
        new = map(self._call_id, count())
        calls = tuple(
            requested_call(ident, tools[call.name], call.arguments)
            for ident, call in zip(chain(self._calls.begun, new), self._asked, strict=False)
        )
        return self._finished(self._last, "tool_calls", said, calls)

    def _call_id(self, n: int) -> str:
        return free_id([*self._messages, self._calls.message], n)

    def _show(self, call: Lookup, told: dict[str, Any]) -> None:
        if self._form.supports_tools:
            made = next(m for m in reversed(self._messages) if "tool_calls" in m)["tool_calls"]
            self._messages.append(
                {
                    "role": "tool",
                    "name": LOOK_UP.name,
                    "tool_call_id": made[len(made) - self._n_unanswered]["id"],
                    "content": json.dumps(told, ensure_ascii=False),
                }
            )
        else:
            said = in_words(call, told)
            self._notes.append(said)
            if self._messages[-1]["role"] == "user":  # of the call before
                said = f"{self._messages.pop()['content']}\n{said}"
            self._messages.append({"role": "user", "content": said})
        self._n_calls += 1
