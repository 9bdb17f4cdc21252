"""What lines of a chat that begin with ``/`` do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lamlam.cli import chat_facts
from lamlam.cli.chat_facts import Reply, parts_of
from lamlam.cli.chat_view import SourceNumbers, origin_of
from lamlam.cli.output import as_json, printable_line
from lamlam.errors import UsageError
from lamlam.near_names import near_names

if TYPE_CHECKING:
    from lamlam.cli.chat_lines import ChatLines
    from lamlam.cli.chat_memory import ChatMemory
    from lamlam.cli.chat_talk import Talk

USAGE = {
    "/facts": ("/facts [NAME]", "what memory holds of NAME"),
    "/set": ("/set ENTITY | RELATION | VALUE", "sets a value; what held before ends"),
    "/forget": (
        "/forget ENTITY [| RELATION [| VALUE]]",
        "erases, history included; asks back and prints the receipt",
    ),
    "/undo": ("/undo", "takes back the last /set of this chat"),
    "/why": ("/why", "what the last answer asked of memory, what answered it, and why not"),
    "/source": ("/source [N]", "where the value [N] is from; without N of all"),
    "/memory": ("/memory [own|bundled|URL]", "which memory is read; reads another one"),
    "/new": ("/new", "begins the talk afresh; memory stays"),
    "/system": ("/system [TEXT]", "tells a chat model how to answer; alone: clears it"),
    "/save": ("/save FILE", "writes the talk to a new file, as JSON with spans and sources"),
    "/help": ("/help", "this list"),
    "/quit": ("/quit", "leaves, as Ctrl-D does"),
}
NAMES = tuple(USAGE)


class Leave(Exception):
    """The chat is to end."""


class OtherMemory(Exception):
    """The chat is to go on with another memory."""

    def __init__(self, url: str | None) -> None:
        super().__init__(url)
        self.url = url


@dataclass(slots=True)
class ChatCommands:
    """The commands, and what they work on."""

    talk: Talk
    memory: ChatMemory
    sources: SourceNumbers
    lines: ChatLines
    asks_back: bool
    is_chat: bool = True
    """The model has a chat template."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the chat, for its file."""
    _revisions: list[int] = field(default_factory=list)

    def run(self, line: str) -> Reply:
        """Do what a line says.

        Raises:
            UsageError: there is no such command, or it is given wrongly.
            Leave, OtherMemory: the chat is to end, or to go on with another memory.
        """
        name, _, rest = line.strip().partition(" ")
        if name not in USAGE:
            near = near_names(name.removeprefix("/"), [one.removeprefix("/") for one in NAMES])
            meant = f"did you mean /{near[0]}? " if near else ""
            raise UsageError(
                f"there is no command {name[:40]!r}",
                hint=f"{meant}/help lists them; // begins a message with /",
            )
        reply: Reply = getattr(self, f"_{name.removeprefix('/')}")(rest.strip())
        return reply

    def _help(self, _: str) -> Reply:
        width = max(len(usage) for usage, _ in USAGE.values())
        lines = [f"{usage:<{width}}  {what}" for usage, what in USAGE.values()]
        return Reply(lines, {"commands": {usage: what for usage, what in USAGE.values()}})

    def _quit(self, _: str) -> Reply:
        raise Leave

    def _facts(self, name: str) -> Reply:
        return chat_facts.facts_of(self.memory, name)

    def _set(self, rest: str) -> Reply:
        entity, relation, value = parts_of(rest, USAGE["/set"][0], 3)
        changed = chat_facts.set_fact(self.memory, entity, relation, value)
        if changed.revision is not None:
            self._revisions.append(changed.revision)
        return changed.reply

    def _undo(self, _: str) -> Reply:
        if not self._revisions:
            raise UsageError("this chat has set nothing", hint="lamlam facts undo takes a revision")
        reply = chat_facts.undo(self.memory, self._revisions[-1])
        self._revisions.pop()
        return reply

    def _forget(self, rest: str) -> Reply:
        entity, relation, value = (*parts_of(rest, USAGE["/forget"][0], 1), None, None)[:3]
        assert entity is not None
        facts, past = chat_facts.to_erase(self.memory, entity, relation, value)
        if not facts and not past:
            return Reply([chat_facts.not_held(self.memory, entity)], {"facts": 0}, is_found=False)
        name = facts[0].entity if facts else entity
        what = ", ".join(_counted(facts, past)) + f" of {name}"
        if self.asks_back and not self._agrees(what):
            return Reply(["nothing was erased"], {"facts": 0}, is_found=False)
        receipt = chat_facts.erase(self.memory, entity, relation, value)
        self._revisions.clear()  # what they set may be what was erased
        lines = chat_facts.receipt_lines(receipt)
        self.sources.forget(name)
        n_lines, n_turns = self.lines.forget(name), self.talk.forget(name)
        if n_lines or n_turns:
            said = f"{_n(n_lines, 'line')} and {_n(n_turns, 'turn')} of the chat that named it"
            lines.append(f"gone too: {said}")
        from dataclasses import asdict

        return Reply(lines, {**asdict(receipt), "turns": n_turns, "lines": n_lines})

    def _agrees(self, what: str) -> bool:
        question = f"Erase {what}? This cannot be undone."
        agrees = self.lines.confirms(question)
        if agrees is None:
            raise UsageError(f"/forget would erase {what}", hint="start the chat with --yes")
        return agrees

    def _why(self, _: str) -> Reply:
        from lamlam.cli.chat_why import explained

        if not self.talk.turns:
            raise UsageError("there is no answer yet", hint="write a message first")
        records = self.talk.turns[-1].lookups
        if not records:
            return Reply(["nothing was asked of memory"], {"lookups": []})
        lines, data = explained(records, self.memory, self.sources)
        return Reply(lines, {"lookups": data})

    def _source(self, number: str) -> Reply:
        if number and not (number.isascii() and number.isdigit() and len(number) < 10):
            raise UsageError(f"/source takes the number of a value, not {number[:40]!r}")
        numbers = [int(number)] if number else range(1, len(self.sources) + 1)
        found = [(one, record) for one in numbers if (record := self.sources.record(one))]
        if not found:
            said = f"no value has the number {number}" if number else "no value is from memory yet"
            return Reply([said], {"sources": []}, is_found=False)
        lines = []
        for one, record in found:
            asked = f"{record.entity} · {record.relation} → {record.value}"
            lines.append(printable_line(f"[{one}] {asked}"))
            lines.append(f"    {printable_line(origin_of(record))}")
        keys = ("entity", "relation", "value", "source", "fact_id")
        shown = [{"n": one, **{key: getattr(record, key) for key in keys}} for one, record in found]
        return Reply(lines, {"sources": shown})

    def _memory(self, url: str) -> Reply:
        from lamlam.cli.facts_stores import url_of_own

        if not url:
            return Reply([f"read: {self.memory.said()}"], {"memory": self.memory.said()})
        raise OtherMemory({"own": url_of_own(), "bundled": None}.get(url, url))

    def _new(self, _: str) -> Reply:
        n_turns = len(self.talk.turns)
        self.talk.turns.clear()
        self.sources.clear()
        return Reply([f"a new talk ({_n(n_turns, 'turn')} left behind)"], {"turns": n_turns})

    def _system(self, text: str) -> Reply:
        if not self.is_chat:
            raise UsageError(
                "this model has no chat template and takes no system text",
                hint="use --model with an instruct model",
            )
        self.talk.system = text or None
        return Reply(["system text set" if text else "no system text"], {"system": text or None})

    def _save(self, file: str) -> Reply:
        from pathlib import Path

        if not file:
            raise UsageError("/save takes the name of a file", hint=USAGE["/save"][0])
        path = Path(file).expanduser()
        turns = [
            {
                "message": turn.message,
                "text": turn.text,
                "completion": turn.completion.as_dict() if turn.completion is not None else None,
            }
            for turn in self.talk.turns
        ]
        talk = {**self.settings, "system": self.talk.system, "turns": turns}
        text = as_json(talk, indent=2) + "\n"
        try:
            with path.open("x", encoding="utf-8", errors="replace") as saved:
                saved.write(text)
        except FileExistsError:
            raise UsageError(f"{file} exists already", hint="give another name") from None
        return Reply(
            [f"saved: {file}, {_n(len(turns), 'turn')}"], {"file": file, "turns": len(turns)}
        )


def _counted(facts: list[Any], past: int) -> list[str]:
    return [_n(len(facts), "fact")] * bool(facts) + [f"{past} of the past"] * bool(past)


def _n(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
