"""Invented facts, as many as a benchmark wants, the same for the same seed.

Names recombine a small vocabulary, so that nearly every name has close neighbours: harder than
real names. Nothing is kept of what was given: 55 million facts take as little memory as a hundred.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator

from lamlam.memory_backends.model.facts import Fact

_RELATIONS = (
    "birth date", "birth place", "occupation", "nationality", "education", "death date",
    "death place", "spouse", "award", "position", "member of", "party",
)  # fmt: skip
_SYLLABLES = (
    "ba be bo da de do fa fe ga go ha he jo ka ke ko la le li lo ma me mi mo na ne ni no pa pe"
    " ra re ri ro sa se si so ta te ti to va ve vi vo wa we za ze zi"
).split()
_FACTS_PER_ENTITY = 3.6  # as in the published sets of such facts
_N_FIRST, _N_LAST = 2_000, 16_000


def invented_facts(n_facts: int, seed: int) -> Iterator[Fact]:
    """Yield so many facts of one source; progress goes to standard error."""
    for n, (entity, relation, value) in enumerate(invented_triples(n_facts, seed)):
        if n % 100_000 == 0 and n:
            sys.stderr.write(f"  {n:,}\n")
        yield Fact(entity=entity, relation=relation, value=value, source="benchmark")


def invented_triples(n_facts: int, seed: int) -> Iterator[tuple[str, str, str]]:
    """Yield so many facts as entity, relation and value, those of an entity one after another."""
    rng = random.Random(seed)
    first, last = _words(_N_FIRST, rng), _words(_N_LAST, rng)
    given = 0
    while given < n_facts:
        middle = f" {rng.choice(first)}" if rng.random() < 0.3 else ""
        entity = f"{rng.choice(first)}{middle} {rng.choice(last)}"
        n_held = min(max(1, round(rng.expovariate(1 / _FACTS_PER_ENTITY))), len(_RELATIONS))
        for relation in rng.sample(_RELATIONS, n_held)[: n_facts - given]:
            yield entity, relation, f"{rng.choice(last)} {rng.choice(last)} {rng.randint(1, 99)}"
            given += 1


def _words(n: int, rng: random.Random) -> list[str]:
    words: dict[str, None] = {}
    while len(words) < n:
        words["".join(rng.choices(_SYLLABLES, k=rng.choice((2, 3, 3, 4)))).title()] = None
    return list(words)
