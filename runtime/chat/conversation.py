"""One answer in a conversation: turns of the model, and lookups by tool calls between them.

`Conversation` is a pure state machine, so tests drive it with texts; `chat_events` drives it with
a model and a memory.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lamlam.errors import BadChatTemplate, UsageError
from lamlam.runtime.chat.cited_text import CitedText
from lamlam.runtime.chat.prompt import ChatFormat
from lamlam.runtime.chat.tool_calls import (
    BARE_FORM,
    CLOSE,
    INSTRUCTION,
    LOOK_UP,
    OPEN,
    TAGGED_FORM,
    FoundCalls,
    find_calls,
    may_become_call,
)
from lamlam.runtime.chat.turn_text import TurnText
from lamlam.runtime.decoding.completion import ChatCompletion, Completion, FinishReason
from lamlam.runtime.decoding.events import (
    Event,
    Finished,
    LookupAnswered,
    LookupMissed,
    Text,
    Thought,
)
from lamlam.runtime.decoding.lookup_answers import record_of, status_of
from lamlam.runtime.decoding.settings import CallSettings, TextSettings, ToolChoice
from lamlam.runtime.decoding.spans import LookupRecord
from lamlam.runtime.decoding.thoughts import ThoughtSettings
from lamlam.runtime.decoding.vocabulary import ChatPrompt

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import Lookup, LookupResult

CALL_TOKENS = 192
"""Room for a call behind the text that a turn may hold."""
_MAX_SHOWN_CHARACTERS = 2_000
"""How much of the values of one lookup the model is shown."""


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
        tool_choice: ToolChoice = "auto",
    ) -> None:
        """Begin with the messages.

        Args:
            has_lookup_tokens: the model looks up while it writes, and calls no tools.
            has_memory: there is a memory to be asked by tool calls.
        """
        self._messages = list(messages)
        self._n_given = len(messages)
        self._form = form
        self._settings = settings
        self._has_lookup_tokens = has_lookup_tokens
        self._has_memory = has_memory and not has_lookup_tokens and tool_choice != "none"
        if self._has_memory and settings.logprobs is not None:
            raise UsageError(
                "logprobs does not work with tool calls, whose answer is made of several texts",
                hint="leave out logprobs, or set tool_choice='none'",
            )
        self._must_call = tool_choice == "required"
        self._instructs_user = False
        self._n_turns = 0
        self._n_calls = 0
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
        self._n_released = 0
        self._thoughts: list[str] = []
        self._cited = CitedText()
        self._records: list[LookupRecord] = []
        self._n_tokens = 0

    @property
    def offers_tools(self) -> bool:
        """The next turn may call."""
        is_left = self._n_calls < self._settings.max_lookups and not self._repeats
        return self._has_memory and is_left

    @property
    def settings(self) -> TextSettings:
        """Settings of the next turn."""
        thoughts = ThoughtSettings(self._inside)
        if not self.offers_tools:
            return replace(self._settings, thoughts=thoughts)
        is_bare = self._form.supports_tools and OPEN not in self._form.source
        call = CallSettings(
            BARE_FORM if is_bare else TAGGED_FORM,
            is_required=self._must_call and self._n_turns == 0,
            max_text_tokens=self._settings.max_tokens,
        )
        most = self._settings.max_tokens + CALL_TOKENS
        return replace(self._settings, max_tokens=most, call=call, thoughts=thoughts)

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
        return prompt

    def _prompt(self) -> ChatPrompt:
        if self._form.supports_tools:
            tools = [LOOK_UP.definition()] if self.offers_tools else None
            return self._form.prompt(self._messages, tools)
        messages = _noted(self._messages[: self._n_given], self._notes)
        if not self.offers_tools:
            return self._form.prompt(messages)
        if not self._instructs_user:
            try:
                return self._form.prompt(_instructed(messages, "system"))
            except BadChatTemplate:  # some have no system role
                self._instructs_user = True
        return self._form.prompt(_instructed(messages, "user"))

    def heard(self, event: Text) -> list[Event]:
        """Take more text of the turn; return what can be sent."""
        return self._taken(self._text.add(event))

    def _taken(self, pieces: list[Text | Thought]) -> list[Event]:
        """Return what can be sent of pieces of the turn."""
        events: list[Event] = []
        for piece in pieces:
            if isinstance(piece, Thought) or self._has_lookup_tokens:
                events.append(piece)
                continue
            self._turn += piece.text
            held = may_become_call(self._turn) if self._has_memory else None
            events += self._release(len(self._turn) if held is None else held)
        return events

    def ended(self, turn: Completion) -> tuple[list[Event], tuple[Lookup, ...]]:
        """End the turn; return what can be sent, and what the turn asks of memory.

        The last event is `Finished` where the answer is complete.
        """
        self._n_tokens += turn.n_tokens
        rest = self._taken(self._text.end())
        self._thoughts += filter(None, [self._text.thoughts])
        events, calls = self._ended(self._text.without_thoughts(turn))
        return [*rest, *events], calls

    def _ended(self, turn: Completion) -> tuple[list[Event], tuple[Lookup, ...]]:
        if self._has_lookup_tokens:
            self._messages.append({"role": "assistant", "content": turn.text.strip()})
            return [Finished(self._completion(turn, turn.finish_reason))], ()
        settings, was_offered = self._settings, self.offers_tools
        found = find_calls(self._turn) if self._has_memory else None
        reason: FinishReason = turn.finish_reason
        is_cut = reason in ("length", "context")
        if found is not None and was_offered and not (found.problem and is_cut):
            events = self._end_turn(len(found.before))
            return events, self._asked(found)
        if found is not None:
            events = self._end_turn(len(found.before))
            reason = reason if is_cut else "max_lookups"
        else:
            events = self._end_turn(len(self._turn))
            if was_offered and reason == "stop" and turn.n_text_tokens >= settings.max_tokens:
                reason = "length"  # the call's own room was left free
        said = found.before if found else self._turn
        self._messages.append({"role": "assistant", "content": said.strip()})
        return [*events, Finished(self._completion(turn, reason))], ()

    def answered(self, call: Lookup, result: LookupResult) -> Event:
        """Show the model the result, and recognise its values in what it writes from here on."""
        status, elapsed_s = status_of(result), result.elapsed_ns / 1e9
        is_hit = status == "hit"
        if is_hit:
            self._cited.learn(result)
        record = record_of(
            call, result, status, elapsed_s, taken=result.answer(0) if is_hit else None
        )
        record = replace(record, at=len(self._cited.text))
        self._records.append(record)
        self._show(call, _shown(result))
        return LookupAnswered(record) if is_hit else LookupMissed(record)

    # Text ----------------------------------------------------------------------------------

    def _release(self, end: int) -> list[Text]:
        """Send the turn up to there; a new turn begins on a new line."""
        text = self._turn[self._n_released : end]
        if not text:
            return []
        said = self._cited.text
        is_joint = not self._n_released and said and not said[-1].isspace()
        self._n_released = end
        return self._cited.add("\n" + text if is_joint and not text[0].isspace() else text)

    def _end_turn(self, end: int) -> list[Event]:
        events: list[Event] = [*self._release(max(end, self._n_released)), *self._cited.settle()]
        self._n_turns += 1
        return events

    def _completion(self, turn: Completion, reason: FinishReason) -> ChatCompletion:
        transparent = self._has_lookup_tokens
        text = turn.text if transparent else self._cited.text
        return ChatCompletion(
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
            message={"role": "assistant", "content": text.strip()},
            messages=tuple(self._messages[self._n_given :]),
        )

    # Calls ---------------------------------------------------------------------------------

    def _asked(self, found: FoundCalls) -> tuple[Lookup, ...]:
        """Add the calls to the conversation; return those that may still be made."""
        new = [call for call in dict.fromkeys(found.calls) if call not in self._made]
        calls = tuple(new[: self._settings.max_lookups - self._n_calls])
        self._made.update(calls)
        said, self._turn, self._n_released = self._turn.strip(), "", 0
        if found.problem:
            self._n_calls += 1
            self._messages.append({"role": "assistant", "content": said})
            self._notes.append(f"A call was not understood: {found.problem}.")
            self._messages.append({"role": "user", "content": self._notes[-1]})
            return ()
        if not calls:
            self._repeats = True
            return ()
        if self._form.supports_tools:
            made = [_as_message(call, self._n_calls + n) for n, call in enumerate(calls)]
            self._messages.append(
                {"role": "assistant", "content": found.before, "tool_calls": made}
            )
        else:
            made_texts = [found.before, *(_as_text(call) for call in calls)]
            content = "\n".join(text for text in made_texts if text)
            self._messages.append({"role": "assistant", "content": content})
        return calls

    def _show(self, call: Lookup, shown: dict[str, Any]) -> None:
        if self._form.supports_tools:
            self._messages.append(
                {
                    "role": "tool",
                    "name": LOOK_UP.name,
                    "tool_call_id": _call_id(self._n_calls),
                    "content": json.dumps(shown, ensure_ascii=False),
                }
            )
        else:
            said = _in_words(call, shown)
            self._notes.append(said)
            if self._messages[-1]["role"] == "user":  # of the call before
                said = f"{self._messages.pop()['content']}\n{said}"
            self._messages.append({"role": "user", "content": said})
        self._n_calls += 1


def _instructed(messages: list[dict[str, Any]], role: str) -> list[dict[str, Any]]:
    """Return the messages with the instruction in the first of the role."""
    roles = ("system", "developer") if role == "system" else (role,)
    at = next((n for n, message in enumerate(messages) if message["role"] in roles), None)
    if at is None or (role == "system" and at):
        return [{"role": role, "content": INSTRUCTION}, *messages]
    content = messages[at]["content"]
    parts = (content, INSTRUCTION) if role == "system" else (INSTRUCTION, content)
    return [*messages[:at], {**messages[at], "content": "\n\n".join(parts)}, *messages[at + 1 :]]


def _noted(messages: list[dict[str, Any]], notes: list[str]) -> list[dict[str, Any]]:
    """Return the messages with the notes below the last of them."""
    if not notes:
        return messages
    last = messages[-1]
    return [*messages[:-1], {**last, "content": "\n\n".join([last["content"], *notes])}]


def _shown(result: LookupResult) -> dict[str, Any]:
    """Return what the model is shown of a result; a miss as a miss."""
    if str(result.status) != "hit":
        if str(result.status) == "ambiguous":
            apart = {near.entity: near.told_apart for near in result.candidates[:5]}
            shown = {"values": [], "note": "several entities have this name", "entities": [*apart]}
            return {**shown, "facts": apart} if any(apart.values()) else shown
        return {"values": [], "note": "memory does not hold this fact"}
    values: list[str] = []
    left = _MAX_SHOWN_CHARACTERS
    for value in result.values:
        left -= len(value)
        if left < 0:
            break
        values.append(value)
    n_more = len(result.values) - len(values)
    if not values:
        return {"values": [], "note": "memory holds a value that is too long to be shown here"}
    return {"values": values, **({"more": n_more} if n_more else {})}


def _in_words(call: Lookup, shown: dict[str, Any]) -> str:
    """Return it as a sentence, for templates without tools: small models would copy JSON."""
    asked = f"the {call.relation} of {call.entity}"
    if shown["values"]:
        more = f", and {shown['more']} more" if "more" in shown else ""
        return f"Memory says of {asked}: {'; '.join(shown['values'])}{more}."
    facts = shown.get("facts", {})
    entities = [f"{n} [{facts[n]}]" if facts.get(n) else n for n in shown.get("entities", ())]
    names = f": {'; '.join(entities)}" if entities else ""
    return f"Memory has no answer on {asked} ({shown['note']}{names})."


def _as_message(call: Lookup, n: int) -> dict[str, Any]:
    arguments = {"entity": call.entity, "relation": call.relation}
    function = {"name": LOOK_UP.name, "arguments": arguments}
    return {"id": _call_id(n), "type": "function", "function": function}


def _as_text(call: Lookup) -> str:
    function = _as_message(call, 0)["function"]
    return f"{OPEN}\n{json.dumps(function, ensure_ascii=False)}\n{CLOSE}"


def _call_id(n: int) -> str:
    return f"call{n:05d}"  # nine letters and digits: some templates take no other
