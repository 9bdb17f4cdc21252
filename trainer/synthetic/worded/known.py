"""Facts that documents are written from: entities of memory, of the corpus, and invented ones."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from itertools import chain

from lamlam.trainer.documents import Document
from lamlam.trainer.forked_slices import in_slices
from lamlam.trainer.pronouns import pronoun_of
from lamlam.trainer.synthetic.worded.frames import ANY, FrameFamily
from lamlam.trainer.synthetic.worded.relation_names import families_by_name, kind_of

_LONGEST_VALUE = 70
_LONGEST_NAME = 60
_NO_WORD = re.compile(r"[{}<>|\[\]\n\t\\]")
# Kinds of value that a rule can check.
_FORM = {
    "date": re.compile(r"\d"),
    "number": re.compile(r"\d|^(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b"),
    "person": re.compile(r"[A-ZÀ-Þ]"),
    "place": re.compile(r"[A-ZÀ-Þ]"),
}  # fmt: skip
# Read off running text by rules these are too often wrong.
_TRUSTED_RULES = frozenset(
    "birth date,birth place,death date,death place,burial place,director,population,founder,"
    "spouse,release year,author,elevation,headquarters,party,composer".split(",")
)
# They say what or where a thing is, in too many ways for a sentence.
_WEAK = frozenset("type,description,notability,location,member of,year,date,name".split(","))


# Families that share a name with an earlier one: what an entity has beside it decides.
_BESIDE = {
    "screenwriter": {"director", "starring", "cast member", "film director", "directed by"},
    "playing position": {"team", "played for", "club", "member of sports team", "sport"},
}


@dataclass(frozen=True, slots=True)
class HeldFact:
    """One relation of an entity and its values."""

    relation: str
    """As the source has it."""
    values: tuple[str, ...]
    """In order; empty where memory has no answer."""
    family: FrameFamily | None = None


@dataclass(frozen=True, slots=True)
class HeldEntity:
    """One entity and what is known about it."""

    name: str
    kind: str
    pronoun: str
    """he, she, it or they; they also where nobody says."""
    facts: tuple[HeldFact, ...]

    @property
    def is_person(self) -> bool:
        """Whether it is a person."""
        return self.kind == "person"


def fact_of_family(entity: HeldEntity, family: FrameFamily) -> HeldFact | None:
    """Return the entity's first fact of a family; None where it has none."""
    for fact in entity.facts:
        if fact.family is not None and fact.family.name == family.name:
            return fact
    return None


class FactSource:
    """Entities to write about, and by family those that have a relation."""

    def __init__(self, entities: Sequence[HeldEntity]) -> None:
        """Take the entities in; those of one kind are found together."""
        self.entities = entities
        self.of_kind: dict[str, list[HeldEntity]] = defaultdict(list)
        self.of_family: dict[str, list[HeldEntity]] = defaultdict(list)
        for entity in entities:
            self.of_kind[entity.kind].append(entity)
            for fact in entity.facts:
                if fact.family is not None:
                    self.of_family[fact.family.name].append(entity)

    def __len__(self) -> int:
        return len(self.entities)

    def pick(self, rng: random.Random) -> HeldEntity:
        """Return a random entity."""
        return self.entities[int(rng.random() * len(self.entities))]

    def pick_like(self, entity: HeldEntity, rng: random.Random) -> HeldEntity:
        """Return a random entity of the same kind."""
        of_kind = self.of_kind.get(entity.kind) or self.entities
        return of_kind[int(rng.random() * len(of_kind))]


def held_entities(
    triples: Iterable[tuple[str, str, str]], pronouns: Mapping[str, str] | None = None
) -> list[HeldEntity]:
    """Return the entities of facts, each fact with its family.

    Facts that no sentence can hold are left out: values that are long or of another kind than
    the relation says.

    Args:
        triples: entity, relation and value.
        pronouns: of entities of which it is known.
    """
    pronouns = pronouns or {}
    by_entity: dict[str, dict[str, list[str]]] = {}
    for entity, relation, value in triples:
        if not (_is_name(entity) and _is_value(value)):
            continue
        values = by_entity.setdefault(entity, {}).setdefault(_relation_name(relation), [])
        if value not in values:
            values.append(value)
    index = families_by_name()
    entities = []
    for name, facts in by_entity.items():
        kind = kind_of(facts, pronouns.get(name, ""))
        held = (
            _held(relation, values, kind, index, facts.keys())
            for relation, values in facts.items()
            if relation not in _WEAK
        )
        sound = tuple(fact for fact in held if fact is not None and _is_sound(fact))
        if sound:
            pronoun = pronouns.get(name) or ("they" if kind == "person" else "it")
            entities.append(HeldEntity(name, kind, pronoun, sound))
    return entities


def held_entity(
    name: str, kind: str, pronoun: str, facts: Mapping[str, Sequence[str]]
) -> HeldEntity:
    """Return an entity of a known kind; facts that no sentence can hold are left out."""
    index = families_by_name()
    by_relation = {_relation_name(relation): list(values) for relation, values in facts.items()}
    held = (_held(r, values, kind, index, by_relation.keys()) for r, values in by_relation.items())
    sound = tuple(fact for fact in held if fact is not None and _is_sound(fact))
    return HeldEntity(name, kind, pronoun, sound)


def facts_of_documents(documents: Sequence[Document]) -> list[HeldEntity]:
    """Return the entities that documents state facts about, weak rules left out."""
    triples: list[tuple[str, str, str]] = []
    pronouns: dict[str, str] = {}
    found = chain.from_iterable(in_slices(partial(_pronouns_of, documents), len(documents)))
    for document, pronoun in zip(documents, found, strict=True):
        pronouns[document.title] = pronoun
        triples += (
            (fact.entity, fact.relation, fact.value)
            for fact in document.facts
            if fact.is_structured or fact.relation.lower() in _TRUSTED_RULES
        )
        triples += document.other_facts
    return held_entities(triples, pronouns)


def _pronouns_of(documents: Sequence[Document], start: int, stop: int) -> list[str]:
    return [
        (pronoun_of(document) or "they") if document.is_person else "it"
        for document in documents[start:stop]
    ]


_CAST = re.compile(r" \d+$")


def _relation_name(relation: str) -> str:
    """Return the relation in lower case; "cast member 2" is one more value of "cast member"."""
    name = relation.lower().replace("_", " ").strip()
    return _CAST.sub("", name) if name.startswith("cast member") else name


def _is_name(name: str) -> bool:
    return 0 < len(name) <= _LONGEST_NAME and not _NO_WORD.search(name)


def _is_value(value: str) -> bool:
    return (
        0 < len(value) <= _LONGEST_VALUE and value == value.strip() and not _NO_WORD.search(value)
    )


def _is_sound(fact: HeldFact) -> bool:
    if len(fact.relation) > 40 or _NO_WORD.search(fact.relation):
        return False
    if fact.family is None:
        return True
    form = _FORM.get(fact.family.value)
    return form is None or all(form.search(value) for value in fact.values)


def _held(
    relation: str,
    values: list[str],
    kind: str,
    index: Mapping[str, list[FrameFamily]],
    beside: Set[str],
) -> HeldFact | None:
    """Return the fact with its family; None where only entities of other kinds have such facts."""
    families = index.get(relation, [])
    fitting = [family for family in families if family.kind in (kind, ANY)]
    if not fitting:
        return None if families and kind != ANY else HeldFact(relation, tuple(values))
    chosen = next((f for f in fitting if _BESIDE.get(f.name, set()) & beside), fitting[0])
    return HeldFact(relation, tuple(values), chosen)
