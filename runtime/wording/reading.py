"""What the end of a prompt asks memory for, by its words alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamlam.runtime.wording.evidence import evidence_of, is_heading
from lamlam.runtime.wording.lexicon import Target
from lamlam.runtime.wording.prompt_form import Form, Sentence
from lamlam.runtime.wording.relation_names import WIDE_KINDS, kind_of, ranked, usual_name
from lamlam.runtime.wording.sentence_line import SentenceLine
from lamlam.runtime.wording.value_kinds import fits_class, may_stand

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import EntityView

MOST_RELATIONS = 256
"""Relations of one entity that are compared with the words; of more, the first."""
_CLASSES_OF_RELATIONS = ("country", "continent", "language")
"""Classes of values that are names of relations too."""
_NEARLY = 0.01
"""Evidence that differs by less is equally strong."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sentence asks about one entity."""

    view: EntityView
    relations: tuple[str, ...]
    """Relations that the entity holds and that the words ask for, best first."""
    n_equal: int
    """How many of them, the first ones, the words ask for equally though their values are of
    different kinds, such as a place and a date of birth; else 1."""
    wanted: str
    """The usual name of the relation that the words ask for, held or not; empty where they name
    none."""
    score: float
    """How many words say so; 0 where none does."""
    is_tied: bool
    """The words speak of this very entity: what they name is wanted of it, held or not."""
    form: Form


def read_sentence(
    sentence: Sentence, view: EntityView, places: Sequence[tuple[int, int]], stated: str
) -> Reading:
    """Return what a sentence asks about an entity.

    Args:
        places: where the entity stands in the text.
        stated: text in which values may stand already: those are not asked for again.
    """
    line = SentenceLine.of(sentence, places)
    if line.form == "open" and is_heading(line):
        sentence = Sentence("label", sentence.words)
        line = SentenceLine.of(sentence, places)
    held = view.relations[:MOST_RELATIONS]
    found = evidence_of(line, held)
    best = max((one.score for one in found), default=0.0)
    strongest = [one for one in found if one.score >= best - _NEARLY]
    targets = frozenset[Target]().union(*(one.targets for one in strongest))
    is_tied = any(one.is_tied for one in strongest)
    ranks = ranked(held, targets, None if is_tied else 0)
    relations = _offered(line, view, ranks, stated)
    if not relations:  # the entity's own relation, whose words all stand there
        own = [one for one in found if any(target.kind == "own" for target in one.targets)]
        if own:
            targets_of_own = max(own, key=lambda one: one.score).targets
            ranks = ranked(held, targets_of_own)
            relations = _offered(line, view, ranks, stated)
    wanted = usual_name(targets, held)
    if ranks and not relations:
        # What memory holds under these names cannot be meant; the other names are asked for.
        others = frozenset(one for one in targets if not ranked(held, frozenset((one,))))
        is_relation = line.value_class in _CLASSES_OF_RELATIONS
        wanted = line.value_class if is_relation else usual_name(others, held)
    equal = [key for key in relations if ranks[key] == ranks[relations[0]]]
    n_equal = len(equal) if len(set(map(kind_of, equal))) > 1 else min(1, len(equal))
    return Reading(view, tuple(relations), n_equal, wanted, best, is_tied, sentence.form)


def _offered(line: SentenceLine, view: EntityView, keys: Iterable[str], stated: str) -> list[str]:
    """Return the relations whose values can stand where the sentence ends."""
    offered = []
    for key in keys:
        values = view.values(key)
        if line.value_class and not fits_class(kind_of(key), line.value_class, values):
            continue
        if line.form == "open":
            if not any(may_stand(value, line.stems[:-1]) for value in values):
                continue
            if all(value in stated for value in values):
                continue
        offered.append(key)
    if line.value_class in ("", "place"):  # "Where is it?": in a town, rather than on a continent
        offered.sort(key=lambda key: kind_of(key) in WIDE_KINDS)
    return offered
