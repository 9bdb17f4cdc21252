"""The names that memories give one relation."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cache

from lamlam.trainer.synthetic.worded.frames import ANY, FrameFamily, read_families


@cache
def families_by_name() -> dict[str, list[FrameFamily]]:
    """Return the families that each name of a relation may mean."""
    index: dict[str, list[FrameFamily]] = defaultdict(list)
    for family in read_families():
        for name in dict.fromkeys((*family.names, *family.nouns, family.name)):
            if name in family.loose:
                continue
            index[name].append(family)
    return index


def kind_of(relations: Iterable[str], pronoun: str) -> str:
    """Return the kind of an entity that has these relations.

    Args:
        relations: in small letters.
        pronoun: of the entity; empty where nobody says.
    """
    index = families_by_name()
    if pronoun in ("he", "she", "they"):
        return "person"
    votes: Counter[str] = Counter()
    for relation in relations:
        # Not a set: its order, which decides between equal votes, differs from process to process.
        kinds = dict.fromkeys(one.kind for one in index.get(relation, ()) if one.kind != ANY)
        for kind in kinds:
            votes[kind] += 2 if len(kinds) == 1 else 1
    if pronoun or votes["person"] < 2:
        # What people and places both have ("state") makes nobody a person.
        del votes["person"]
    return votes.most_common(1)[0][0] if votes else ANY


def other_name(relation: str, kind: str, rng: random.Random) -> str:
    """Return a name that memories give this relation, perhaps the same one.

    Where the name may mean several relations of such an entity, it stays.

    Args:
        relation: in small letters.
        kind: of the entity, as `kind_of` returns it.
    """
    families = [one for one in families_by_name().get(relation, ()) if one.kind in (kind, ANY)]
    return rng.choice(families[0].names) if len(families) == 1 else relation
