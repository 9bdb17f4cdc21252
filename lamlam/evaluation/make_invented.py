"""Write the invented set: ``python -m lamlam.evaluation.make_invented``.

The seed is fixed, so the shipped file can be made again to the letter. Its first
lines are facts (``entity``, ``relation`` as training text names it,
``typed_relation`` as people type it, ``value``), the others are items (``prompt``,
what is asked, ``opening``), in turn one of each opening, so that the first N
are balanced too.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lamlam.evaluation import invented_names as names

SEED = 20_240_917
ITEMS_PER_OPENING = 20
INVENTED_FILE = Path(__file__).with_name("invented.jsonl")

TYPED: dict[str, tuple[str, ...]] = {
    "Birth Date": ("date of birth", "date of birth", "born on"),
    "Birth Place": ("place of birth", "place of birth", "birthplace"),
    "Death Date": ("date of death", "died on"),
    "Death Place": ("place of death", "died in"),
    "Nationality": ("citizenship",),
    "Occupation": ("job", "profession"),
    "Education": ("alma mater", "alma mater", "studied at"),
    "Burial Place": ("buried in", "place of burial"),
    "Release Year": ("year of release", "year of release", "release year"),
    "Director": ("directed by", "film director"),
    "Genre": ("film genre",),
    "Starring": ("main actor", "cast"),
    "Writer": ("screenwriter", "screenplay by"),
    "Location": ("located in", "situated in"),
    "Population": ("number of inhabitants", "inhabitants"),
    "Area": ("surface area",),
    "Founded": ("year founded", "founded in"),
    "Founder": ("founded by",),
    "Headquarters": ("head office", "headquartered in"),
    "Type": ("kind",),
    "Author": ("written by", "written by", "author of the book"),
    "Publisher": ("published by", "publishing house"),
}
"""How people type each relation of the training text."""


@dataclass(frozen=True, slots=True)
class Entity:
    """One invented entity and what is known about it."""

    kind: str
    name: str
    facts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Opening:
    """One ordinary way to begin such a text; the value of ``relation`` is due next."""

    label: str
    kind: str
    relation: str
    prompts: tuple[str, ...]
    """Patterns: ``{Relation}`` is another fact's value, ``{a}`` the article before it."""


OPENINGS = (
    Opening("N (born", "person", "Birth Date", ("{N} (born",)),
    Opening("T is a", "film", "Release Year", ("{N} is a",)),
    Opening("P is a town in", "town", "Location", ("{N} is a town in",)),
    Opening("F is a company founded in", "company", "Founded", ("{N} is a company founded in",)),
    Opening("B is a novel by", "book", "Author", ("{N} is a novel by",)),
    Opening("N (DATE –", "person", "Death Date", ("{N} ({Birth Date} –",)),
    Opening(
        "T is a YEAR GENRE film directed by",
        "film",
        "Director",
        ("{N} is a {Release Year} {Genre} film directed by",),
    ),
    Opening(
        "It has a population of",
        "town",
        "Population",
        ("{N} is a town in {Location}. It has a population of",),
    ),
    Opening("F is a company founded by", "company", "Founder", ("{N} is a company founded by",)),
    Opening(
        "B is a novel by A, published by",
        "book",
        "Publisher",
        ("{N} is a novel by {Author}, published by",),
    ),
    Opening("N was born in", "person", "Birth Place", ("{N} was born in",)),
    Opening(
        "The film stars",
        "film",
        "Starring",
        ("{N} is a {Release Year} {Genre} film directed by {Director}. The film stars",),
    ),
    Opening("P covers an area of", "town", "Area", ("{N} covers an area of",)),
    Opening("F is headquartered in", "company", "Headquarters", ("{N} is headquartered in",)),
    Opening("N was born on", "person", "Birth Date", ("{N} was born on",)),
    Opening(
        "It was written by",
        "film",
        "Writer",
        ("{N} is a {Release Year} film directed by {Director}. It was written by",),
    ),
    Opening("N was a NATIONALITY", "person", "Occupation", ("{N} was {a} {Nationality}",)),
    Opening(
        "… and graduated from",
        "person",
        "Education",
        (
            "{N} studied {field} in {town} and graduated from",
            "{N}, a Representative from {state}; attended the common schools and graduated from",
            "{N} grew up in {town} and graduated from",
        ),
    ),
    Opening(
        "…; interment in",
        "person",
        "Burial Place",
        (
            "{N}, a Representative from {state}; studied {field}; moved to {town}; interment in",
            "{N}, a Senator from {state}; resumed the practice of law in {town}; interment in",
        ),
    ),
    Opening("N died in", "person", "Death Place", ("{N} died in",)),
)


def _person(rng: random.Random) -> dict[str, str]:
    born = rng.randint(1720, 1960)
    return {
        "Birth Date": names.date(rng, born),
        "Birth Place": names.place(rng),
        "Nationality": names.pick(rng, "nationalities"),
        "Occupation": names.pick(rng, "occupations"),
        "Education": names.school(rng),
        "Death Date": names.date(rng, born + rng.randint(28, 60)),
        "Death Place": names.place(rng),
        "Burial Place": names.cemetery(rng),
    }


def _film(rng: random.Random) -> dict[str, str]:
    return {
        "Release Year": str(rng.randint(1912, 2019)),
        "Genre": names.pick(rng, "genres"),
        "Director": names.person(rng),
        "Starring": names.cast(rng),
        "Writer": names.person(rng),
    }


def _town(rng: random.Random) -> dict[str, str]:
    return {
        "Location": names.location(rng),
        "Population": f"{rng.choice((rng.randint(90, 999), rng.randint(1000, 80_000))):,}",
        "Area": f"{rng.randint(11, 990)} {rng.choice(('km²', 'square kilometres'))}",
    }


def _company(rng: random.Random) -> dict[str, str]:
    return {
        "Founded": str(rng.randint(1801, 2014)),
        "Founder": names.person(rng),
        "Headquarters": names.place(rng),
        "Type": names.pick(rng, "firm types"),
    }


def _book(rng: random.Random) -> dict[str, str]:
    return {
        "Author": names.person(rng),
        "Publisher": names.publisher(rng),
        "Release Year": str(rng.randint(1840, 2018)),
    }


@dataclass(frozen=True, slots=True)
class _Kind:
    n: int
    invent_name: Callable[[random.Random], str]
    invent_facts: Callable[[random.Random], dict[str, str]]
    keep: float
    """Chance of each fact to be known."""


_KINDS = {
    "person": _Kind(150, names.person, _person, 0.47),
    "film": _Kind(85, names.title, _film, 0.74),
    "town": _Kind(70, names.town, _town, 0.82),
    "company": _Kind(60, names.firm, _company, 0.72),
    "book": _Kind(60, names.title, _book, 0.78),
}


def invent_entities(rng: random.Random) -> list[Entity]:
    """Return entities with distinct names, each with at least one fact."""
    entities: list[Entity] = []
    taken: set[str] = set()
    for kind, plan in _KINDS.items():
        while sum(entity.kind == kind for entity in entities) < plan.n:
            name = plan.invent_name(rng)
            facts = {r: v for r, v in plan.invent_facts(rng).items() if rng.random() < plan.keep}
            if name not in taken and facts:
                taken.add(name)
                entities.append(Entity(kind, name, facts))
    return entities


def write_prompt(pattern: str, entity: Entity, rng: random.Random) -> str | None:
    """Return the prompt, or None where it states a fact that is not known."""
    nationality = entity.facts.get("Nationality", "")
    values = {
        **entity.facts,
        "N": entity.name,
        "a": "an" if nationality[:1] in "AEIOU" else "a",
        "field": names.pick(rng, "fields"),
        "town": names.town(rng),
        "state": names.pick(rng, "states"),
    }
    try:
        return pattern.format_map(values)
    except KeyError:
        return None


def choose_items(entities: list[Entity], rng: random.Random) -> list[tuple[Opening, Entity, str]]:
    """Return the same number of items of each opening, in turn, each of another entity."""
    by_opening = []
    for opening in OPENINGS:
        chosen = []
        for entity in rng.sample(entities, len(entities)):
            prompt = write_prompt(rng.choice(opening.prompts), entity, rng)
            if entity.kind == opening.kind and opening.relation in entity.facts and prompt:
                chosen.append((opening, entity, prompt))
        if len(chosen) < ITEMS_PER_OPENING:
            raise AssertionError(f"too few entities for {opening.label!r}: {len(chosen)}")
        by_opening.append(chosen[:ITEMS_PER_OPENING])
    return [item for turn in zip(*by_opening, strict=True) for item in turn]


def lines() -> Iterator[str]:
    """Yield the lines of the set: facts, then items."""
    rng = random.Random(SEED)
    entities = invent_entities(rng)
    typed: dict[tuple[str, str], str] = {}
    for entity in entities:
        for relation, value in entity.facts.items():
            typed[entity.name, relation] = rng.choice(TYPED[relation])
            yield _line(
                entity=entity.name,
                relation=relation,
                typed_relation=typed[entity.name, relation],
                value=value,
            )
    for opening, entity, prompt in choose_items(entities, rng):
        yield _line(
            prompt=prompt,
            entity=entity.name,
            relation=opening.relation,
            typed_relation=typed[entity.name, opening.relation],
            value=entity.facts[opening.relation],
            opening=opening.label,
        )


def _line(**fields: str) -> str:
    return json.dumps(fields, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the shipped file again."""
    INVENTED_FILE.write_text("".join(lines()), encoding="utf-8")


if __name__ == "__main__":
    main()
