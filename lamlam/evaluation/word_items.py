"""Items of public sets whose sentences other people wrote, and the facts that they are about.

Four sets are read, JSON lines each: ParaRel (``trex_pararel``), completions of T-REx
(``trex_lmlm_prompts``), EntityQuestions, and the pairs of the linear relational embedding
study (``relations_lre``). A file of labels names the relations under which the facts are stored.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from lamlam.errors import BadDocument
from lamlam.trainer.documents import name_of, open_text

SetName = Literal["pararel", "trex", "questions", "lre"]
Triple = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class WordFact:
    """One line of a set: what is true, and the sentences that may ask for it."""

    entity: str
    relation: str
    """As memory names it."""
    values: tuple[str, ...]
    """Any of them is right."""
    group: str
    """The relation as the set names it."""
    prompts: tuple[str, ...]

    def triples(self) -> Iterator[Triple]:
        """Yield its facts as (entity, relation, value)."""
        for value in self.values:
            yield self.entity, self.relation, value


@dataclass(frozen=True, slots=True)
class WordItem:
    """One prompt and the fact that is due after it."""

    prompt: str
    fact: WordFact

    @property
    def key(self) -> str:
        """A short name that is the same in every run."""
        parts = json.dumps([self.prompt, *self.fact.values], ensure_ascii=True)
        return hashlib.blake2b(parts.encode(), digest_size=6).hexdigest()


@dataclass(frozen=True, slots=True)
class Labels:
    """How memory names the relations of the sets."""

    wikidata: dict[str, str]
    relations_lre: dict[str, str]


def read_labels(path: Path) -> Labels:
    """Return the labels of a JSON file with the objects ``wikidata`` and ``relations_lre``.

    Raises:
        BadDocument: the file cannot be read, or is not of that form.
    """
    try:
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadDocument(
            f"cannot read {path}: {error.strerror}", hint="name the file with --labels FILE"
        ) from None
    except ValueError:
        raise BadDocument(f"{path} is not JSON") from None
    groups = []
    for name in ("wikidata", "relations_lre"):
        group = raw.get(name) if isinstance(raw, dict) else None
        if not isinstance(group, dict) or not all(isinstance(v, str) for v in group.values()):
            raise BadDocument(f"{path}: {name} must be an object of strings")
        groups.append(group)
    return Labels(*groups)


def read_facts(name: SetName, path: Path | str, labels: Labels | None) -> list[WordFact]:
    """Return what a set states, in its order; lines whose relation has no label are left out.

    Args:
        labels: not needed for questions.

    Raises:
        BadDocument: the file cannot be read, a line is not one of this set, or none is left.
    """
    facts = []
    with open_text(path) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip() and (fact := _parse(name, line, number, labels)) is not None:
                facts.append(fact)
    if not facts:
        raise BadDocument(f"{name_of(path)} has no item whose relation has a label")
    return facts


def choose_word_items(
    facts: Sequence[WordFact], n: int, seed: int, *, in_turn: bool
) -> list[WordItem]:
    """Return the first ``n`` shuffled items, each with one of its prompts.

    Args:
        in_turn: take the relations in turn, so that each counts alike.
    """
    draw = random.Random(seed)
    able = [fact for fact in facts if fact.prompts]
    draw.shuffle(able)
    if in_turn:
        groups: dict[str, list[WordFact]] = {}
        for fact in able:
            groups.setdefault(fact.group, []).append(fact)
        rounds = zip_longest(*(groups[group] for group in sorted(groups)))
        able = [fact for one_each in rounds for fact in one_each if fact is not None]
    return [WordItem(draw.choice(fact.prompts), fact) for fact in able[:n]]


def _parse(name: SetName, line: str, number: int, labels: Labels | None) -> WordFact | None:
    try:
        raw: Any = json.loads(line)
    except ValueError:
        raise BadDocument(f"line {number} is not JSON") from None
    if not isinstance(raw, dict):
        raise BadDocument(f"line {number}: expected an object, got {type(raw).__name__}")
    fields = _Line(raw, number)
    return _READERS[name](fields, labels or Labels({}, {}))


@dataclass(frozen=True, slots=True)
class _Line:
    raw: dict[str, Any]
    number: int

    def text(self, name: str) -> str:
        value = self.raw.get(name)
        if not isinstance(value, str) or not value.strip():
            raise self._refusal(name, "a string that is not empty", value)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.raw.get(name)
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise self._refusal(name, "a list of strings", value)
        return tuple(value)

    def _refusal(self, name: str, expected: str, value: object) -> BadDocument:
        found = "nothing" if value is None else type(value).__name__
        if isinstance(value, str):
            found = "an empty string"
        return BadDocument(
            f"line {self.number}: {name} must be {expected}, got {found}",
            hint="see the fields of this set in docs/evaluation.md",
        )


def _pararel(line: _Line, labels: Labels) -> WordFact | None:
    pid = line.text("pid")
    entity, value = line.text("entity"), line.text("value")
    prompts = tuple(
        prompt
        for pattern in line.texts("patterns")
        if (prompt := _opening(pattern, entity)) is not None
    )
    label = labels.wikidata.get(pid)
    return label and WordFact(entity, label, (value,), label, prompts) or None


def _opening(pattern: str, entity: str) -> str | None:
    """Return the pattern up to its value, about the entity; None where the value comes first."""
    subject, value = pattern.find("[X]"), pattern.find("[Y]")
    if subject < 0 or value < subject:
        return None
    return pattern[:value].replace("[X]", entity).rstrip(" ")


def _trex(line: _Line, labels: Labels) -> WordFact | None:
    entity, value = line.text("subject"), line.text("gold_object")
    label = labels.wikidata.get(line.text("predicate_id"))
    prompt = line.text("prompt_text")
    return label and WordFact(entity, label, (value,), label, (prompt,)) or None


def _questions(line: _Line, labels: Labels) -> WordFact | None:
    relation, answers = line.text("relation"), line.texts("answers")
    return WordFact(line.text("entity"), relation, answers, relation, (line.text("question"),))


def _lre(line: _Line, labels: Labels) -> WordFact | None:
    entity, relation = line.text("entity"), line.text("relation")
    value = line.text("value")
    prompts = tuple(p.replace("{}", entity).rstrip(" ") for p in line.texts("prompts"))
    label = labels.relations_lre.get(relation)
    return label and WordFact(entity, label, (value,), relation, prompts) or None


_READERS: dict[SetName, Callable[[_Line, Labels], WordFact | None]] = {
    "pararel": _pararel,
    "trex": _trex,
    "questions": _questions,
    "lre": _lre,
}
