"""Random changes of few entities, after which a search index must be that of the facts."""

from __future__ import annotations

import random

from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.operations import (
    AddAlias,
    Assert,
    MergeEntities,
    Op,
    Replace,
    Retract,
)

WORDS = "Ada Łódź 東京 O'Brien C++ mill engine note of quartz Zebedee a\x1eb".split(" ")


def random_ops(rng: random.Random, n: int) -> list[Op]:
    """Return operations on few entities."""

    def text() -> str:
        return " ".join(rng.choices(WORDS, k=rng.randint(1, 3)))

    names = [f"{word} {n}" for word in WORDS for n in range(2)]
    spaces = [(), (), ("users", "7")]
    ops: list[Op] = []
    for _ in range(n):
        name, space = rng.choice(names), rng.choice(spaces)
        fact = Fact(entity=name, relation="note", value=text(), source=text(), namespace=space)
        choices: list[Op] = [
            Assert(fact),
            Assert(fact),
            Replace(fact),
            Retract(name, "note", namespace=space),
        ]
        choices += [
            AddAlias(name, f"also {name}", space),
            MergeEntities(name, rng.choice(names), space),
        ]
        ops.append(rng.choice(choices))
    return ops
