"""What is measured: models, sets, and the runs that they make together."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
PLAN = Path(__file__).with_name("results.toml")
FACTS = ("memory", "prompt", "none")
DATA_OPTIONS = ("--items-file", "--documents", "--database", "--prompts")
STYLES = (
    "cloze",
    "contextual_questions",
    "continuations",
    "direct_questions",
    "fewshot_questions",
    "paraphrased_questions",
)
"""Of the prompts of LMLMAudit, a file each."""


class BadPlan(Exception):
    """The TOML file says something that cannot be run."""


@dataclass(frozen=True, slots=True)
class ShownModel:
    """A model of the page."""

    name: str
    file: str
    """``bundled``, the name of a pulled model, or a GGUF file in the folder."""
    facts: str
    """How it gets facts: ``memory``, ``prompt`` or ``none``."""
    share: float = 1.0
    """Of the items of each set: the first ones."""


@dataclass(frozen=True, slots=True)
class ShownSet:
    """A set of items, and the command of ``lamlam eval`` that asks them."""

    name: str
    title: str
    command: tuple[str, ...]
    items: int | None = None
    """How many at most; None where the command takes them all."""
    off: tuple[str, ...] = ()
    """What forbids lookups; empty where the command cannot."""
    prompt: tuple[str, ...] = ()
    """What puts the facts into the prompt; empty where the command cannot."""
    group: str = ""
    """The audit that it belongs to."""

    @property
    def data(self) -> tuple[str, ...]:
        """The files that the command reads."""
        files, reads = [], False
        for word in self.command:
            if word.startswith("--"):
                reads = word in DATA_OPTIONS
            elif reads:
                files.append(word)
        return tuple(files)


@dataclass(frozen=True, slots=True)
class Audit:
    """What is asked of several databases, with the fact held, deleted, and lookups off."""

    name: str
    title: str
    command: tuple[str, ...]
    items: int
    prompt: tuple[str, ...] = ()
    databases: tuple[str, ...] | None = None
    """None: all of the plan; empty: the command names what it asks of."""


@dataclass(frozen=True, slots=True)
class Database:
    """One of the databases of LMLMAudit, and the folder of its prompts."""

    name: str
    database: str
    prompts: str


@dataclass(frozen=True, slots=True)
class Speed:
    """Models that complete held-out documents by turns."""

    documents: str
    rounds: int
    items: int
    """Of each round."""
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One model asked one set with facts in one place."""

    model: ShownModel
    set: ShownSet
    facts: str
    """Where the facts are: ``memory``, ``prompt`` or ``none``."""
    asking: tuple[str, ...] = ()
    """Options of all commands."""

    @property
    def name(self) -> str:
        """The name of its record."""
        return f"{self.set.name}.{self.model.name}.{self.facts}".replace(" ", "-").lower()

    @property
    def arguments(self) -> tuple[str, ...]:
        """What stands behind ``lamlam eval``."""
        return self.arguments_for(self.model.file)

    def arguments_for(self, model: str) -> tuple[str, ...]:
        """Return what stands behind ``lamlam eval`` for a file of the model."""
        extra = {"memory": (), "prompt": self.set.prompt, "none": self.set.off}[self.facts]
        items: tuple[str, ...] = ()
        if self.set.items is not None:
            items = ("--items", str(max(1, round(self.set.items * self.model.share))))
        return (*self.asking, *self.set.command, *items, *extra, "--model", model, "--json")


@dataclass(frozen=True, slots=True)
class Plan:
    """Models and sets, in the order of the page."""

    models: tuple[ShownModel, ...]
    sets: tuple[ShownSet, ...]
    audits: tuple[Audit, ...] = ()
    asking: tuple[str, ...] = ()
    speed: Speed | None = None

    def runs(self) -> Iterator[Run]:
        """Yield what is to be run, set by set."""
        for asked in self.sets:
            for model in self.models:
                if model.facts == "memory":
                    yield Run(model, asked, "memory", self.asking)
                if model.facts == "prompt" and asked.prompt:
                    yield Run(model, asked, "prompt", self.asking)
                if asked.off:
                    yield Run(model, asked, "none", self.asking)

    def of_audit(self, audit: Audit) -> list[ShownSet]:
        """Return the sets of an audit, one a database."""
        return [one for one in self.sets if one.group == audit.name]


def read_plan(path: Path = PLAN) -> Plan:
    """Return what a TOML file asks for.

    Raises:
        BadPlan: a field is missing, unknown or of another kind than expected.
    """
    fields = tomllib.loads(path.read_text(encoding="utf-8"))
    audits = tuple(_made(Audit, one, path) for one in fields.get("audits", []))
    databases = [_made(Database, one, path) for one in fields.get("databases", [])]
    speed = fields.get("speed")
    plan = Plan(
        tuple(_made(ShownModel, one, path) for one in fields.get("models", [])),
        (
            *(_made(ShownSet, one, path) for one in fields.get("sets", [])),
            *(one for audit in audits for one in _sets_of(audit, databases)),
        ),
        audits,
        tuple(fields.get("asking", ())),
        None if speed is None else _made(Speed, speed, path),
    )
    for model in plan.models:
        if model.facts not in FACTS:
            raise BadPlan(f"{path}: facts of {model.name}: expected {FACTS}, got {model.facts!r}")
    names = [*(one.name for one in plan.models), *(one.name for one in plan.sets)]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadPlan(f"{path}: each name once, but {sorted(twice)} stand twice")
    lost = set(plan.speed.models if plan.speed else ()) - {one.name for one in plan.models}
    if lost:
        raise BadPlan(f"{path}: models of speed: {sorted(lost)} are not among the models")
    return plan


def _sets_of(audit: Audit, databases: list[Database]) -> Iterator[ShownSet]:
    if audit.databases == ():
        yield ShownSet(
            audit.name, audit.title, audit.command, audit.items, (), audit.prompt, audit.name
        )
        return
    for one in databases:
        if audit.databases is not None and one.name not in audit.databases:
            continue
        files = [f"{one.prompts}/prompts_{style}.jsonl" for style in STYLES]
        command = (*audit.command, "--database", one.database, "--prompts", *files)
        name = f"{audit.name}-{'-'.join(one.name.replace(',', '').replace(chr(39), '').split())}"
        yield ShownSet(name, one.name, command, audit.items, (), audit.prompt, audit.name)


def _made(kind: type[T], fields: dict[str, Any], path: Path) -> T:
    given = {key: tuple(v) if isinstance(v, list) else v for key, v in fields.items()}
    try:
        return kind(**given)
    except TypeError as error:
        raise BadPlan(f"{path}: {kind.__name__} {fields.get('name', '')}: {error}") from error
