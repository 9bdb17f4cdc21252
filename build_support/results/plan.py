"""What is measured: models, sets, and the runs that they make together."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
PLAN = Path(__file__).with_name("results.toml")
FACTS = ("memory", "prompt", "none")
DATA_OPTIONS = ("--items-file", "--documents", "--database", "--prompts")


class BadPlan(Exception):
    """The TOML file says something that cannot be run."""


@dataclass(frozen=True, slots=True)
class ShownModel:
    """A model of the page."""

    name: str
    file: str
    """``bundled``, or a GGUF file in the folder."""
    facts: str
    """How it gets facts: ``memory``, ``prompt`` or ``none``."""


@dataclass(frozen=True, slots=True)
class ShownSet:
    """A set of items, and the command of ``lamlam eval`` that asks them."""

    name: str
    title: str
    command: tuple[str, ...]
    off: tuple[str, ...] = ()
    """What forbids lookups; empty where the command cannot."""
    prompt: tuple[str, ...] = ()
    """What puts the facts into the prompt; empty where the command cannot."""

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
class Run:
    """One model asked one set with facts in one place."""

    model: ShownModel
    set: ShownSet
    facts: str
    """Where the facts are: ``memory``, ``prompt`` or ``none``."""

    @property
    def name(self) -> str:
        """The name of its record."""
        return f"{self.set.name}.{self.model.name}.{self.facts}"

    @property
    def arguments(self) -> tuple[str, ...]:
        """What stands behind ``lamlam eval``."""
        extra = {"memory": (), "prompt": self.set.prompt, "none": self.set.off}[self.facts]
        return (*self.set.command, *extra, "--model", self.model.file, "--json")


@dataclass(frozen=True, slots=True)
class Plan:
    """Models and sets, in the order of the page."""

    models: tuple[ShownModel, ...]
    sets: tuple[ShownSet, ...]

    def runs(self) -> Iterator[Run]:
        """Yield what is to be run, set by set."""
        for asked in self.sets:
            for model in self.models:
                if model.facts == "memory":
                    yield Run(model, asked, "memory")
                if model.facts == "prompt" and asked.prompt:
                    yield Run(model, asked, "prompt")
                if asked.off:
                    yield Run(model, asked, "none")


def read_plan(path: Path = PLAN) -> Plan:
    """Return what a TOML file asks for.

    Raises:
        BadPlan: a field is missing, unknown or of another kind than expected.
    """
    fields = tomllib.loads(path.read_text(encoding="utf-8"))
    plan = Plan(
        tuple(_made(ShownModel, one, path) for one in fields.get("models", [])),
        tuple(_made(ShownSet, one, path) for one in fields.get("sets", [])),
    )
    for model in plan.models:
        if model.facts not in FACTS:
            raise BadPlan(f"{path}: facts of {model.name}: expected {FACTS}, got {model.facts!r}")
    names = [*(one.name for one in plan.models), *(one.name for one in plan.sets)]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadPlan(f"{path}: each name once, but {sorted(twice)} stand twice")
    return plan


def _made(kind: type[T], fields: dict[str, object], path: Path) -> T:
    given = {key: tuple(v) if isinstance(v, list) else v for key, v in fields.items()}
    try:
        return kind(**given)
    except TypeError as error:
        raise BadPlan(f"{path}: {kind.__name__} {fields.get('name', '')}: {error}") from error
