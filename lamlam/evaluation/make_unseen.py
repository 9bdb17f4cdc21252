"""Write the set of unseen sentences: ``python -m lamlam.evaluation.make_unseen``.

Its sentences are those of ``unseen_frames.txt``, which training text never repeats; its entities are
invented, with names of this package's own lists, and hold a fact of every relation that their kind
is asked for. The seed is fixed, and the lines have the form of ``wordings.jsonl``.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from lamlam.evaluation import invented_names as names
from lamlam.trainer.synthetic.worded.frames import FrameFamily, read_families
from lamlam.trainer.synthetic.worded.invented import invented_entities
from lamlam.word_lists import read_sections

SEED = 20_261_130
ENTITIES_PER_KIND = 8
_VALUES_FROM = 2_500
"""Invented entities of the trainer whose values are drawn from."""
_TIMES_ANY = 8
"""Relations that each sentence for any relation asks for."""
FRAMES_FILE = Path(__file__).with_name("unseen_frames.txt")
UNSEEN_FILE = Path(__file__).with_name("unseen.jsonl")

_NAMES: dict[str, Callable[[random.Random], str]] = {
    "person": names.person,
    "place": names.town,
    "work": names.title,
    "organisation": names.firm,
    "thing": lambda rng: f"{rng.choice(('Lake', 'Mount', 'Comet', 'Black'))} {names.town(rng)}",
    "event": lambda rng: f"{rng.choice(('Battle', 'Treaty', 'Council'))} of {names.town(rng)}",
    "building": lambda rng: f"{names.town(rng)} {rng.choice(('Hall', 'Lighthouse', 'Mill'))}",
    "vehicle": lambda rng: f"{rng.choice(('MV', 'RV', 'SS'))} {names.town(rng)}",
    "station": lambda rng: f"{names.town(rng)} {rng.choice(('Halt', 'Road', 'Parkway'))}",
    "any": lambda rng: f"{rng.choice(('Old', 'Lower', 'White', 'Long'))} {names.town(rng)}",
}


def lines() -> Iterator[str]:
    """Yield the lines of the set: entities, relations, wordings."""
    rng = random.Random(SEED)
    values = _values_of_families(rng)
    by_kind: dict[str, list[FrameFamily]] = {}
    for family in read_families():
        if family.name in values:
            by_kind.setdefault(family.kind, []).append(family)
    taken: set[str] = set()
    for kind, families in by_kind.items():
        for _ in range(ENTITIES_PER_KIND):
            facts = {f.names[0]: rng.choice(values[f.name]) for f in families}
            yield _line(entity=_new_name(kind, rng, taken), group=kind, facts=facts)
    for kind, families in by_kind.items():
        for family in families:
            yield _line(
                group=kind,
                relation=family.names[0],
                typed_relation=rng.choice(family.names[1:]),
                family=family.value,
            )
    yield from _wordings(by_kind, rng)


def _values_of_families(rng: random.Random) -> dict[str, list[str]]:
    """Return values of each family, sorted so that the draw depends on nothing else."""
    values: dict[str, set[str]] = {}
    for entity in invented_entities(rng, _VALUES_FROM):
        for fact in entity.facts:
            if fact.family is not None:
                values.setdefault(fact.family.name, set()).add(fact.values[0])
    return {name: sorted(found) for name, found in values.items()}


def _new_name(kind: str, rng: random.Random, taken: set[str]) -> str:
    while (name := _NAMES[kind](rng)) in taken:
        pass
    taken.add(name)
    return name


def _wordings(by_kind: dict[str, list[FrameFamily]], rng: random.Random) -> Iterator[str]:
    frames = read_sections(FRAMES_FILE)
    number = 0
    for kind, families in by_kind.items():
        for family in families:
            for frame in frames[family.name]:
                number += 1
                yield _wording(number, kind, family, frame, "sentence")
    with_noun = [(k, f) for k, families in by_kind.items() for f in families if f.nouns]
    for frame in frames["any"]:
        for kind, family in rng.sample(with_noun, _TIMES_ANY):
            number += 1
            said = frame.replace("{R}", family.nouns[0])
            yield _wording(number, kind, family, said[0].upper() + said[1:], "any relation")


def _wording(number: int, kind: str, family: FrameFamily, frame: str, style: str) -> str:
    is_open = frame.endswith("{V}")
    return _line(
        id=f"u{number:04}",
        group=kind,
        relation=family.names[0],
        style=f"{style}, {'open' if is_open else 'question'}",
        form="open" if is_open else "answer",
        wording=frame.removesuffix("{V}").rstrip(),
    )


def _line(**fields: object) -> str:
    return json.dumps(fields, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the shipped file again."""
    UNSEEN_FILE.write_text("".join(lines()), encoding="utf-8")


if __name__ == "__main__":
    main()
