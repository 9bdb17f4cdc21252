"""Items of public sets whose sentences other people wrote, and the facts that they are about.

Sets are JSON lines: ParaRel (``trex_pararel``), completions of T-REx (``trex_lmlm_prompts``,
or ``trex_cloze``, whose sentences are cut before the mask), EntityQuestions, and the pairs of
the linear relational embedding study (``relations_lre``). A file of labels names the relations
under which the facts are stored.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

from lamlam.errors import BadDocument
from lamlam.evaluation.outcomes import item_id
from lamlam.evaluation.set_files import ItemLine, read_items
from lamlam.trainer.documents import name_of

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
        return item_id(self.prompt, "\n".join(self.fact.values))


@dataclass(frozen=True, slots=True)
class Labels:
    """How memory names the relations of the sets."""

    wikidata: dict[str, str]
    relations_lre: dict[str, str]


NO_LABELS = Labels({}, {})
"""For questions, whose relations keep their names."""


def read_labels(path: Path) -> Labels:
    """Return the labels of a JSON file with the objects ``wikidata`` and ``relations_lre``.

    Raises:
        BadDocument: the file cannot be read, or is not of that form.
    """
    try:
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadDocument(
            f"cannot read the labels {path}: {error.strerror}",
            hint="--labels FILE names the relations",
        ) from None
    except (ValueError, RecursionError):
        raise BadDocument(f"{path} is not JSON") from None
    groups = []
    for name in ("wikidata", "relations_lre"):
        group = raw.get(name) if isinstance(raw, dict) else None
        if not isinstance(group, dict) or not all(isinstance(v, str) for v in group.values()):
            raise BadDocument(f"{path}: {name} must be an object whose values are strings")
        groups.append(group)
    return Labels(*groups)


def read_facts(name: SetName, path: Path | str, labels: Labels = NO_LABELS) -> list[WordFact]:
    """Return what a set states, in its order; lines whose relation has no label are left out.

    Raises:
        BadDocument: the file cannot be read, a line is not one of this set, or none is left.
    """
    read = (_READERS[name](line, labels) for line in read_items(path))
    facts = [fact for fact in read if fact is not None]
    if not any(fact.prompts for fact in facts):
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


def _pararel(line: ItemLine, labels: Labels) -> WordFact | None:
    entity, value = line.text("entity"), line.text("value")
    openings = (_opening(pattern, entity) for pattern in line.texts("patterns"))
    label = labels.wikidata.get(line.text("pid"))
    return _labelled(label, label or "", entity, value, openings)


def _opening(pattern: str, entity: str) -> str:
    """Return the pattern up to its value, about the entity; empty where the value comes first."""
    subject, value = pattern.find("[X]"), pattern.find("[Y]")
    if not 0 <= subject < value:
        return ""
    return pattern[:value].replace("[X]", entity)


def _trex(line: ItemLine, labels: Labels) -> WordFact | None:
    if "masked_sentence" in line.fields:
        return _cloze(line, labels)
    label = labels.wikidata.get(line.text("predicate_id"))
    entity, value = line.text("subject"), line.text("gold_object")
    # As it stands, spaces at its end too.
    prompt = line.text("prompt_text")
    return WordFact(entity, label, (value,), label, (prompt,)) if label else None


def _cloze(line: ItemLine, labels: Labels) -> WordFact | None:
    label = labels.wikidata.get(line.text("pid"))
    has_sentence = line.fields["masked_sentence"] is not None  # some facts have none
    sentence = line.text("masked_sentence") if has_sentence else ""
    before, mask, _ = sentence.partition("[MASK]")
    openings = [before.strip()] if mask else []
    return _labelled(label, label or "", line.text("entity"), line.text("value"), openings)


def _questions(line: ItemLine, labels: Labels) -> WordFact | None:
    relation, answers = line.text("relation"), line.texts("answers")
    if not answers:
        raise BadDocument(f"{line.where}: answers must be a list of texts, not an empty one")
    question = line.text("question")
    return WordFact(line.text("entity"), relation, answers, relation, (question,))


def _lre(line: ItemLine, labels: Labels) -> WordFact | None:
    entity, value, relation = line.text("entity"), line.text("value"), line.text("relation")
    openings = (prompt.replace("{}", entity) for prompt in line.texts("prompts"))
    return _labelled(labels.relations_lre.get(relation), relation, entity, value, openings)


def _labelled(
    label: str | None, group: str, entity: str, value: str, openings: Iterable[str]
) -> WordFact | None:
    if label is None:
        return None
    prompts = tuple(filter(None, (opening.rstrip(" ") for opening in openings)))
    return WordFact(entity, label, (value,), group, prompts)


_READERS: dict[SetName, Callable[[ItemLine, Labels], WordFact | None]] = {
    "pararel": _pararel,
    "trex": _trex,
    "questions": _questions,
    "lre": _lre,
}
