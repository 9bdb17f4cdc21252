"""The databases and prompts of LMLMAudit (arXiv 2607.00605), as its authors publish them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lamlam.errors import BadDocument
from lamlam.evaluation.answers import is_right
from lamlam.evaluation.set_files import ItemLine, read_items
from lamlam.memory_backends.model.keys import canonical_key, relation_key

if TYPE_CHECKING:
    from lamlam.memory_backends.model.facts import Fact


@dataclass(frozen=True, slots=True)
class AuditTarget:
    """One fact under audit, with the other names of each of its parts."""

    subjects: tuple[str, ...]
    """Its own name first, then the aliases; the same for the other two."""
    relations: tuple[str, ...]
    values: tuple[str, ...]

    def covers(self, fact: Fact) -> bool:
        """Return whether a stored fact states the same: each part is the target's or an alias."""
        return (
            canonical_key(fact.entity) in {canonical_key(one) for one in self.subjects}
            and relation_key(fact.relation) in {relation_key(one) for one in self.relations}
            and is_right(fact.surface, self.values)
        )


@dataclass(frozen=True, slots=True)
class AuditPrompt:
    """One prompt that asks for a target."""

    target: AuditTarget
    prompt: str
    style: str


def read_prompts(path: Path | str) -> Iterator[AuditPrompt]:
    """Yield the prompts of one file; its name without ``prompts_`` is their style.

    Raises:
        BadDocument: the file cannot be read, or a line lacks a field.
    """
    name = Path(path).name.partition(".")[0]
    style = "standard input" if str(path) == "-" else name.removeprefix("prompts_")
    for line in read_items(path):
        yield AuditPrompt(_target(line), line.text("prompt_text"), style)


def read_database(path: Path | str) -> list[Fact]:
    """Return the facts of the reference's own JSON file of a database.

    Raises:
        BadFact: it is not such a file.
        BadDocument: it cannot be read, or holds no fact.
    """
    from lamlam.memory_backends.fact_formats.fact_files import FactFile
    from lamlam.memory_backends.model.operations import Assert

    try:
        items = list(FactFile(str(path), format="lmlm"))
    except OSError as problem:
        raise BadDocument(f"cannot read {path}: {problem.strerror or problem}") from None
    facts = [item.fact for item in items if isinstance(item, Assert)]
    if not facts:
        raise BadDocument(f"{path} holds no fact")
    return facts


def choose_prompts(prompts: Sequence[AuditPrompt], n: int | None, seed: int) -> list[AuditPrompt]:
    """Return the prompts of ``n`` shuffled targets, in every style; all, in order, with None."""
    if n is None:
        return list(prompts)
    targets = list(dict.fromkeys(one.target for one in prompts))
    random.Random(seed).shuffle(targets)
    chosen = set(targets[:n])
    return [one for one in prompts if one.target in chosen]


def _target(line: ItemLine) -> AuditTarget:
    return AuditTarget(
        (line.text("subject"), *line.texts("subject_aliases")),
        (line.text("relation"), *line.texts("relation_aliases")),
        (line.text("gold_object"), *line.texts("object_aliases")),
    )
