"""Calls of the caller's tools while the model writes them: their arguments, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from lamlam.runtime.chat.call_grammar import CallForm
from lamlam.runtime.chat.chat_options import ChatOptions
from lamlam.runtime.chat.turn_offer import TurnOffer
from lamlam.runtime.decoding.events import ToolCallDelta


class WrittenCalls:
    """Follows the text of a turn; knows a call by the form in which a mask lets the model write it.

    Calls in any other form are told when the turn is complete, and not before.
    """

    def __init__(
        self,
        form: CallForm,
        tools: Collection[str],
        own: Collection[str],
        new_id: Callable[[], str],
        *,
        is_parallel: bool,
    ) -> None:
        """Begin a turn.

        Args:
            form: of the template.
            tools: names of all tools of the turn.
            own: those of the caller, of whose calls is told.
            new_id: gives the id of a call that begins.
            is_parallel: a call may follow another.
        """
        self._form = form
        self._tools = tools
        self._own = own
        self._new_id = new_id
        self._most = None if is_parallel else 1
        self._n_calls = 0
        self.begun: list[str] = []
        """Ids of the calls of the caller's tools that have begun."""
        self._step: Callable[[str], Iterator[ToolCallDelta]] | None = self._opening if own else None
        self._at = 0
        """Up to where the turn has been read."""
        self._call: tuple[str, str] | None = None
        """Id and name of the call that is being written; none of a call of the memory's."""
        self._depth = 0
        self._is_text = self._is_escaped = False

    @property
    def message(self) -> dict[str, Any]:
        """A message of the calls that have begun, whose ids no other call may have."""
        return {"tool_calls": [{"id": ident} for ident in self.begun]}

    def more(self, turn: str) -> Iterator[ToolCallDelta]:
        """Yield what is new in the text of the turn up to now."""
        step = None
        while self._step is not None and self._step != step:
            step = self._step
            yield from step(turn)

    def _opening(self, turn: str) -> Iterator[ToolCallDelta]:
        opening = self._form.opening
        if opening[:1] in ("{", "["):  # only at the beginning of an answer is it a call
            start = len(turn) - len(turn.lstrip())
            at = start if turn.startswith(opening, start) else -1
        else:
            at = turn.find(opening)
        if at >= 0:
            self._at, self._step = at + len(opening), self._name
        yield from ()

    def _name(self, turn: str) -> Iterator[ToolCallDelta]:
        rest = turn[self._at :]
        for name in self._tools:
            head = name + self._form.middle
            if rest.startswith(head):
                self._at += len(head)
                self._n_calls += 1
                self._call, self._depth = None, 0
                if name in self._own:
                    self._call = self._new_id(), name
                    self.begun.append(self._call[0])
                self._step = self._arguments
                return
        if not any((name + self._form.middle).startswith(rest) for name in self._tools):
            self._step = None
        yield from ()

    def _arguments(self, turn: str) -> Iterator[ToolCallDelta]:
        start = self._at
        for at in range(start, len(turn)):
            self._read(turn[at])
            if self._depth == 0:
                is_last = self._n_calls == self._most or self._form.between is None
                # Without a bracket to begin with they are no arguments.
                self._step = None if is_last or turn[at] != "}" else self._between
                if turn[at] == "}":
                    self._at = at + 1
                break
        else:
            self._at = len(turn)
        if self._call is not None and self._at > start:
            yield ToolCallDelta(*self._call, turn[start : self._at])

    def _read(self, letter: str) -> None:
        if self._is_text:
            if self._is_escaped:
                self._is_escaped = False
            elif letter == "\\":
                self._is_escaped = True
            else:
                self._is_text = letter != '"'
        elif letter == '"':
            self._is_text = True
        elif letter in "{[":
            self._depth += 1
        elif letter in "}]":
            self._depth -= 1

    def _between(self, turn: str) -> Iterator[ToolCallDelta]:
        between, rest = self._form.between or "", turn[self._at :]
        if rest.startswith(between):
            self._at, self._step = self._at + len(between), self._name
        elif not between.startswith(rest):
            self._step = None
        yield from ()


def calls_of_turn(
    form: CallForm, options: ChatOptions, offer: TurnOffer, new_id: Callable[[], str]
) -> WrittenCalls:
    """Return what follows the calls of a turn: of the caller's tools that it may call."""
    names = [tool.name for tool in offer.callable]
    own = {tool.name for tool in options.tools}.intersection(names)
    return WrittenCalls(form, names, own, new_id, is_parallel=options.is_parallel)
