"""What one turn of a chat may be: which tools are offered, which may be called, and the grammar."""

from __future__ import annotations

from dataclasses import dataclass

from lamlam.runtime.chat.call_grammar import turn_grammar
from lamlam.runtime.chat.chat_options import ChatOptions
from lamlam.runtime.chat.prompt import ChatFormat
from lamlam.runtime.chat.tool_calls import LOOK_UP, MEMORY_TOOL
from lamlam.runtime.chat.tool_definitions import OfferedTool
from lamlam.runtime.decoding.settings import GrammarSettings


@dataclass(frozen=True, slots=True)
class TurnOffer:
    """The tools of one turn."""

    tools: tuple[OfferedTool, ...]
    """That the model is told of."""
    callable: tuple[OfferedTool, ...]
    """Of these, those that it may call."""
    must_call: bool

    def grammar(
        self, options: ChatOptions, form: ChatFormat, max_text_tokens: int
    ) -> GrammarSettings | None:
        """Return what the turn may consist of; none: any text."""
        response = options.response
        if not self.callable and response is None:
            return None
        is_whole = self.must_call or response is not None
        triggers, begins_answer = form.call_form.triggers([tool.name for tool in self.callable])
        if not is_whole and not triggers:  # the model calls in a form that only its text shows
            return GrammarSettings("", False, max_text_tokens)
        grammar = turn_grammar(
            form.call_form,
            self.callable,
            response.source if response is not None and not self.must_call else None,
            form.control_marks,
            # One lookup at a time: a small model that may go on asks for more than it needs.
            several=options.is_parallel and any(one is not MEMORY_TOOL for one in self.callable),
        )
        if is_whole:
            return GrammarSettings(grammar, True, max_text_tokens)
        return GrammarSettings(grammar, False, max_text_tokens, triggers, begins_answer)


def turn_offer(
    options: ChatOptions, *, asks_memory: bool, calls: bool, is_first: bool
) -> TurnOffer:
    """Return what a turn offers.

    Args:
        asks_memory: memory may be asked by a call.
        calls: the caller's tools may be called.
        is_first: the answer begins with this turn.
    """
    own = options.tools if calls and options.choice != "none" else ()
    tools = (MEMORY_TOOL, *own) if asks_memory else own
    named = options.named
    if named == LOOK_UP.name and named not in [tool.name for tool in own] and not is_first:
        return TurnOffer(tools, tools, must_call=False)
    callable_ = tools if named is None else tuple(one for one in tools if one.name == named)
    # A call of the caller's tools ends the answer: until then every turn is to be a call.
    must_call = options.choice == "required" and bool(callable_) and bool(own or is_first)
    return TurnOffer(tools, callable_, must_call)
