"""The answers of a chat as they are written: on a terminal, as plain text, or as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from lamlam.cli.chat_lines import mentions
from lamlam.cli.chat_talk import Turn, TurnsDropped
from lamlam.cli.marking import FACT_STYLE, NOTE_STYLE, match_of
from lamlam.cli.output import (
    as_json,
    printable,
    printable_line,
    shortened,
    stderr_console,
    stdout_console,
)

if TYPE_CHECKING:
    from lamlam.runtime.decoding.events import Event
    from lamlam.runtime.decoding.spans import LookupRecord

_CUT = ("length", "context")


class SourceNumbers:
    """The facts that were written in a chat, numbered from 1 in the order of first use."""

    def __init__(self) -> None:
        self._records: dict[str, LookupRecord] = {}
        self._numbers: dict[str, int] = {}

    def learn(self, record: LookupRecord) -> None:
        """Store what a fact says."""
        if record.fact_id is not None:
            self._records[record.fact_id] = record

    def number(self, fact_id: str) -> int:
        """Return the number of a fact; a new one where it has none."""
        return self._numbers.setdefault(fact_id, len(self._numbers) + 1)

    def record(self, number: int) -> LookupRecord | None:
        """Return what has this number."""
        found = [one for one, its_number in self._numbers.items() if its_number == number]
        return self._records.get(found[0]) if found else None

    def forget(self, name: str) -> None:
        """Remove what the facts of an entity say, and those whose value it is; others keep theirs."""
        self._records = {
            fact_id: record
            for fact_id, record in self._records.items()
            if not mentions(f"{record.entity} {record.value}", name)
            and not (record.match and mentions(record.match.entity.matched or "", name))
        }

    def clear(self) -> None:
        """Begin again with 1."""
        self._records.clear()
        self._numbers.clear()

    def __len__(self) -> int:
        return len(self._numbers)


class ChatView:
    """Shows answers and replies to commands."""

    def __init__(self, *, is_terminal: bool, as_json: bool) -> None:
        """Take standard output."""
        self._console = stdout_console()
        self._is_terminal = is_terminal
        self._as_json = as_json
        self._has_hinted = False
        self.sources = SourceNumbers()

    def show(self, turn: Turn, events: Iterable[Event | TurnsDropped]) -> None:
        """Show an answer as it comes, and fill the turn with what came so far."""
        from lamlam.runtime.decoding import events as kinds

        open_fact: str | None = None
        n_shown = len(self.sources)
        has_thought = False
        try:
            for event in events:
                match event:
                    case kinds.Text(text, origin, fact_id):
                        if open_fact is not None and fact_id != open_fact:
                            self._number(open_fact)
                        if has_thought:
                            self._out("\n")
                            has_thought = False
                        shown = text if turn.text else text.lstrip()
                        turn.text += shown
                        open_fact = fact_id if origin == "fact" else None
                        self._out(shown, FACT_STYLE if origin == "fact" else None)
                    case kinds.Thought(text):
                        has_thought = True
                        if self._is_terminal:
                            self._out(text, "dim italic")
                    case kinds.LookupAnswered(record):
                        self.sources.learn(record)
                        turn.lookups += (record,)
                    case kinds.LookupMissed(record):
                        turn.lookups += (record,)
                    case kinds.Finished(completion):
                        turn.completion = completion
                        turn.lookups = completion.lookups
                    case TurnsDropped(turns):
                        self._dropped(turns)
                    case _:
                        pass
        finally:
            if open_fact is not None:
                self._number(open_fact)
        if turn.completion is not None and turn.completion.finish_reason in _CUT:
            if self._is_terminal:
                self._out(" …", "dim")
        self._end_answer(turn, n_shown)

    def stopped(self, turn: Turn) -> None:
        """Say that the answer was stopped."""
        self._out(" [stopped]" if turn.text else "[stopped]", "dim")
        self.end_line()

    def broken_off(self, turn: Turn) -> None:
        """End the line of an answer that an error ended."""
        if turn.text:
            self.end_line()

    def reply(self, lines: Iterable[str], data: dict[str, Any]) -> None:
        """Show what a command did, each line by itself."""
        if self._as_json:
            self._print_json(data)
            return
        for line in lines:
            shown = shortened(printable(line.replace("\n", " ")))
            self._console.out(shown, highlight=False)

    def remark(self, text: str) -> None:
        """Print a remark on standard error."""
        if not self._as_json:
            stderr_console().print(printable_line(text), style="dim", soft_wrap=True)

    def error_as_json(self, line: str, error: str) -> None:
        """Print what went wrong with a line."""
        if self._as_json:
            self._print_json({"line": line, "error": error})

    def _number(self, fact_id: str) -> None:
        number = self.sources.number(fact_id)
        if self._is_terminal:
            self._out(f"[{number}]", NOTE_STYLE)

    def _dropped(self, turns: int) -> None:
        what = "turn was" if turns == 1 else f"{turns} turns were"
        self.remark(f"(the oldest {what} left out: the model's context is full)")

    def _end_answer(self, turn: Turn, n_shown: int) -> None:
        if self._as_json:
            completion = turn.completion
            assert completion is not None, "a stream ends with Finished"
            answer = completion.as_dict()
            answer["tokens"] = answer.pop("n_tokens")
            self._print_json({"line": turn.message, "answer": turn.text, **answer})
            return
        self.end_line()
        if not self._is_terminal:
            return
        n_missed = sum(record.fact_id is None for record in turn.lookups)
        if len(self.sources) > n_shown and not self._has_hinted:
            self._has_hinted = True
            self.remark(f"(/source {n_shown + 1}: where it is from; /why: what was asked)")
        elif n_missed and not any(record.fact_id for record in turn.lookups):
            self.remark("(memory had no answer: /why)")

    def _out(self, text: str, style: str | None = None) -> None:
        if not self._as_json:
            self._console.out(printable(text), style=style, end="", highlight=False)

    def end_line(self) -> None:
        """End the line that is being written."""
        if not self._as_json:
            self._console.out("", highlight=False)

    def _print_json(self, value: dict[str, Any]) -> None:
        import json
        import sys

        text = as_json(value)
        try:
            text.encode(sys.stdout.encoding or "utf-8")
        except UnicodeEncodeError:
            text = json.dumps(value, allow_nan=False)
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def origin_of(record: LookupRecord) -> str:
    """Return where a value comes from: source, fact, how the names matched, and whose it is."""
    parts = [f"source: {record.source or 'none given'}", f"fact {record.fact_id}", match_of(record)]
    if record.revision is not None:
        parts.append(f"revision {int(record.revision)}")
    if record.namespace:
        parts.append(f"of {'/'.join(record.namespace)}")
    return "; ".join(parts)
