"""What the end of a prompt asks memory for, by its words alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from lamlam.runtime.wording.lexicon import (
    Mention,
    Names,
    Target,
    find_mentions,
    name_stems,
    own_names,
    shared_names,
)
from lamlam.runtime.wording.phrases import class_stems, flags_of, phrase_table, value_class_of
from lamlam.runtime.wording.prompt_form import Form, Sentence
from lamlam.runtime.wording.value_kinds import fits_class, may_stand
from lamlam.runtime.wording.words import Word, root, stem

if TYPE_CHECKING:
    from lamlam.memory_backends.model.lookups import EntityView

MOST_RELATIONS = 256
"""Relations of one entity that are compared with the words; of more, the first."""
_ATTACHED = 1.0
"""Added where the sentence ties the relation to the entity: "the R of E", "E's R"."""
_WH = {"where": "place", "when": "date", "who": "person"}
_PREPOSITIONS = frozenset("of for in from at on to by with as into about".split())


_SCATTERED = 0.3
"""Added for a relation of several words that stand in the sentence in any order."""
_BEHIND = 0.25
"""Taken off where other words stand between the entity and the phrase."""


class _Found(NamedTuple):
    targets: frozenset[Target]
    score: float
    is_tied: bool
    """Nothing stands between the entity and the words, or it is a question."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sentence asks about one entity."""

    view: EntityView
    relations: tuple[str, ...]
    """Relations that the entity holds and that the words ask for, best first."""
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
    line = _Line.of(sentence, places)
    held = view.relations[:MOST_RELATIONS]
    found = line.phrases() + line.mentions(_own_names(held)) + line.scattered(held)
    best = max((one.score for one in found), default=0.0)
    strongest = [one for one in found if one.score >= best - 0.01]
    targets = frozenset[Target]().union(*(one.targets for one in strongest))
    is_tied = any(one.is_tied for one in strongest)
    ranked = _ranked(held, targets, most=None if is_tied else 0)
    relations = _offered(line, view, ranked, stated)
    if not relations:  # the entity's own relation, whose words all stand there
        own = [one for one in found if any(target.kind == "own" for target in one.targets)]
        if own:
            strongest = max(own, key=lambda one: one.score)
            relations = _offered(line, view, _ranked(held, strongest.targets), stated)
    wanted = _usual_name(targets, held)
    return Reading(view, tuple(relations), wanted, best, is_tied, sentence.form)


def _offered(line: _Line, view: EntityView, ranked: Sequence[str], stated: str) -> list[str]:
    """Return the relations whose values can stand where the sentence ends."""
    relations = [key for key in ranked if line.accepts(key, view.values(key))]
    if line.form == "open":
        relations = [key for key in relations if not _all_stated(view.values(key), stated)]
    return relations


class _Line:
    """A sentence as stems, with the entity as ``E`` and the place of the value as ``$``."""

    def __init__(self, stems: list[str], form: Form, value_class: str) -> None:
        self.stems = stems
        self.form = form
        self.value_class = value_class
        self.text = _line(stems)
        self.is_asking = form != "open" or _is_described(stems)
        """Its words describe what is wanted, in any order: "The city where E was born is"."""
        if "$" in stems and self.is_asking:
            due = stems.index("$")
            if "E" in stems[due:]:  # "____ wrote E" asks as "who wrote E" does
                self.text += f" {_line(['who', *stems[due + 1 :]])}"
                self.text += f" {_line(['what', *stems[due + 1 :]])}"

    @classmethod
    def of(cls, sentence: Sentence, places: Sequence[tuple[int, int]]) -> _Line:
        stems = _stems(sentence.words, places)
        first = stems.index("E") if "E" in stems else -1
        stems = [
            part
            for n, one in enumerate(stems)
            for part in (_PRONOUNS.get(one, one).split() if n > first else (one,))
        ]
        form = sentence.form
        if form == "question":
            stems, wanted = _turned(stems)
        elif form == "blank" and "_" in stems:
            stems[stems.index("_")] = "$"
            wanted = ""
        else:
            while stems and stems[-1] in (":", "-", "=", "|", '"', ",", "("):
                stems.pop()
            stems.append("$")
            wanted = ""
        if not wanted and "$" in stems:
            wanted = _class_before(stems, stems.index("$"))
        return cls(stems, form, wanted or _asked_class(stems, form))

    def accepts(self, key: str, values: Sequence[str]) -> bool:
        """Return whether the values of a relation can be what is asked for, by their kind."""
        if self.value_class and not fits_class(_kind_of(key), self.value_class, values):
            return False
        if self.form == "open":
            return any(may_stand(value, self.stems[:-1]) for value in values)
        return True

    def phrases(self) -> list[_Found]:
        """Return the phrases that the sentence holds."""
        table = phrase_table()
        found = []
        for word in dict.fromkeys(self.stems):
            for phrase in table.by_word.get(word, ()):
                if not (phrase.takes_value or self.is_asking):
                    continue
                is_tied = phrase.is_in(self.text)
                if is_tied or (self.form == "open" and phrase.is_behind(self.text)):
                    score = phrase.n_words + (_ATTACHED / 2 if phrase.names_entity else 0)
                    targets = frozenset((Target("family", phrase.family),))
                    found.append(_Found(targets, score - _BEHIND * (not is_tied), is_tied))
        return found

    def mentions(self, own: Names) -> list[_Found]:
        """Return the names of relations that the sentence holds and that it can be about."""
        found = []
        for mention in find_mentions(self.stems, own, shared_names()):
            attached = self._is_attached(mention)
            if not (attached or self.is_asking):
                continue
            is_tied = self.form != "open" or attached == _ATTACHED or self._is_next(mention)
            if not attached and not self._may_be_asked(mention):
                continue
            score = mention.n_words + attached - _BEHIND * (not is_tied)
            if any(target.kind == "own" for target in mention.targets):
                score += 0.005  # the very name, where several fit
            found.append(_Found(mention.targets, score, is_tied))
        return found

    def scattered(self, held: tuple[str, ...]) -> list[_Found]:
        """Return relations of the entity all of whose words stand in the sentence, in any order.

        "What currency does the bank issue?" names the relation "issues currency".
        """
        roots = {root(one) for one in self.stems}
        found = []
        for number, words in enumerate(_words_of(held)):
            if not words.hard or not words.hard <= roots:
                continue
            n_soft = sum(self._asks_for(soft) for soft in words.soft)
            if len(words.hard) + n_soft > 1:
                score = len(words.hard) + _SCATTERED * (1 + n_soft)
                found.append(_Found(frozenset((Target("own", number),)), score, True))
        return found

    def _asks_for(self, soft: str) -> bool:
        """Return whether a word such as "year" in a relation's name is what the sentence wants."""
        if soft in self.stems:
            return True
        wanted = value_class_of(soft)
        before = self.stems[self.stems.index("$") - 1] if "$" in self.stems[1:] else ""
        if wanted == "date":
            return self.value_class == "date" or before in ("in", "on")
        return bool(wanted) and self.value_class in (wanted, "place") or before in ("in", "at")

    def _is_next(self, mention: Mention) -> bool:
        """Return whether only words without weight stand between the entity and a name."""
        before = self.stems[: mention.start]
        if "E" not in before:
            return False
        last = len(before) - 1 - before[::-1].index("E")
        return all("~" in flags_of(one) or one == "'s" for one in before[last + 1 :])

    def _is_attached(self, mention: Mention) -> float:
        """Return how surely the words around a name say whose relation it is, and that it is due.

        "The R of E is" and "E's R is" do so more surely than "E, R" and "E was R by".
        """
        stems = self.stems
        before = mention.start - 1
        while before >= 0 and stems[before] in class_stems("modifiers"):
            before -= 1
        after = mention.end
        is_of_entity = False
        place = after
        if place < len(stems) and stems[place] in _PREPOSITIONS:
            place += 1
            while place < len(stems) and stems[place] in ("the", '"', "'"):
                place += 1
            if place < len(stems) and stems[place] == "E":
                is_of_entity, after = True, place + 1
        if not is_of_entity and before >= 0:
            is_of_entity = stems[before] == "'s" and before > 0 and stems[before - 1] == "E"
        if self.form == "question":
            if before >= 0 and stems[before] in ("what", "which") and self._may_be_asked(mention):
                return _ATTACHED  # "What currency does E use?"
            is_whole = before < 0 or self._is_plain(stems[before])
            return _ATTACHED if is_of_entity and is_whole else 0
        sure = _ATTACHED if is_of_entity else 0
        if "$" not in stems:
            return sure
        due = stems.index("$")
        if due < after:  # "____ is the capital of Norway"
            return sure
        rest = stems[after:due]
        if not all("^" in flags_of(one) or "~" in flags_of(one) for one in rest):
            return 0
        if not is_of_entity and any(one in (",", ";") for one in rest):
            return 0
        if is_of_entity:
            return 0 if rest and rest[-1] in ("of", "in") and "be" not in rest else sure
        if "E" not in stems[: mention.start]:
            return 0
        return _ATTACHED / 2 if self._follows_entity(mention, before, rest) else 0

    def _follows_entity(self, mention: Mention, before: int, rest: list[str]) -> bool:
        """Return whether a name behind the entity is a statement about it that ends here."""
        stems = self.stems
        last = stems[mention.end - 1]
        if last in _PREPOSITIONS and mention.n_words > 1:  # "E was born in", "E, written by"
            return True
        while before >= 0 and stems[before] in ("the", '"', "'", *class_stems("modifiers")):
            before -= 1
        lead = stems[before] if before >= 0 else ""
        if lead in ("with", "have"):  # "E has a population of"
            return rest[:1] != ["be"]
        if lead in ("E", ",", ":", "-", "|", "(", "="):
            return rest[:1] not in (["of"], ["in"])
        return "be" in rest and rest[-1] != "of" and "be" != lead  # "In E, the currency is"

    def _may_be_asked(self, mention: Mention) -> bool:
        """Return whether a name in a question is a whole one: not the "population" of "population
        density", nor that of "urban population"."""
        stems = self.stems
        if mention.end < len(stems) and not self._is_plain(stems[mention.end], is_after=True):
            return False
        before = mention.start - 1
        return before < 0 or self._is_plain(stems[before])

    @staticmethod
    def _is_plain(word: str, *, is_after: bool = False) -> bool:
        """Return whether a word beside a name leaves its meaning as it is."""
        if not word[:1].isalpha() or word in ("E", "$"):
            return True
        if flags_of(word) or word in _PREPOSITIONS or word in _QUESTION_WORDS:
            return True
        if is_after:
            return word in _VERBS
        return word in class_stems("modifiers") or word in _VERBS


_QUESTION_WORDS = frozenset(
    "what which who wher when how whos whose and or me you i us know tell nam giv".split()
)
_VERBS = frozenset(
    "use hold play work live speak belong serv hav come go call nam describ giv apply read list"
    " match go get associat know see own mak produc locat attend state say find identify"
    " possess carry bear show enter provid remember look ask wonder guess recall think need want"
    " consider study pursue practic practis write".split()
)
_PRONOUNS = {
    **dict.fromkeys(("he", "she", "it", "they", "him", "them"), "E"),
    **dict.fromkeys(("his", "her", "its", "their", "whose"), "E 's"),
}


def _is_described(stems: list[str]) -> bool:
    """Return whether an open sentence ends by "is", and what is before it describes the value."""
    before = stems[: stems.index("$")] if "$" in stems else stems
    while before and before[-1] in (
        "the",
        "nam",
        "call",
        '"',
        ",",
        "know",
        "as",
        "of",
        "non",
        "other",
        "than",
        "in",
        "at",
        "on",
    ):
        before = before[:-1]
    return before[-1:] == ["be"] and "E" in before[1:-1] and before[0] != "E" and len(before) > 3


def _line(stems: list[str]) -> str:
    return " " + "".join(f"{_flagged(one)} " for one in stems)


def _flagged(stem: str) -> str:
    return stem if stem in ("E", "$", "'s") else flags_of(stem) + stem


def _stems(words: Sequence[Word], places: Sequence[tuple[int, int]]) -> list[str]:
    """Return the stems of a sentence, an entity as one."""
    stems: list[str] = []
    for word in words:
        if any(start <= word.start < end for start, end in places):
            if stems[-1:] != ["E"]:
                stems.append("E")
            continue
        norm = word.norm
        if norm == "'s" and stems[-1:] and stems[-1] in ("what", "who", "wher", "when", "how"):
            norm = "be"
        if norm in ("?", ".", "!", "\n"):
            continue
        if norm == "whos" and (stems[-1:] == ["E"] or stems[-2:] == ["E", ","]):
            stems = stems[: len(stems) - (stems[-1] == ",")]
            norm = "'s"
        stems.append(norm)
    return stems


def _turned(stems: list[str]) -> tuple[list[str], str]:
    """Return a question with its value's place where it is at the end: "E was born in which city?"."""
    for n in range(max(1, len(stems) - 4), len(stems)):
        if stems[n] in ("what", "which", "wher", "whom", "who", "when") and (
            stems[n - 1] in _PREPOSITIONS or stems[n - 1] in ("be", "the")
        ):
            rest = stems[n + 1 :]
            if "E" in rest or len(rest) > 2 or "E" not in stems[:n]:
                break
            wanted = next(filter(None, map(value_class_of, rest)), "")
            return [*stems[:n], *rest, "$"], wanted or _class_of_wh(stems[n])
    return stems, ""


def _class_of_wh(word: str) -> str:
    return {"wher": "place", "when": "date", "who": "person", "whom": "person"}.get(word, "")


def _asked_class(stems: list[str], form: Form) -> str:
    """Return the class of values that a question word asks for; empty where it leaves it open."""
    if form != "question":
        return ""
    for n, one in enumerate(stems[:-1]):
        if one in ("what", "which"):
            for word in stems[n + 1 : n + 4]:
                if word in ("E", "be", "do", "have", "of", "will", "can"):
                    break
                if found := value_class_of(word):
                    return found
            return ""
        if one == "how" and stems[n + 1] in ("many", "much", "tall", "high", "larg", "big", "old"):
            return "number" if stems[n + 1] != "old" else ""
        if one in ("wher", "when"):
            return _class_of_wh(one)
        if one in ("who", "whom"):
            return "" if "own" in stems else "person"
    return ""


def _class_before(stems: list[str], due: int) -> str:
    """Return the class of the noun right before the value: "in the city of"."""
    place = due - 1
    while place >= 0 and stems[place] in ("of", "the", "call", "nam", '"', "be", "'", ":"):
        place -= 1
    if place < 0:
        return ""
    found = value_class_of(stems[place])
    if not found or place + 1 == due and stems[place] in ("language", "languag"):
        return ""
    before = stems[place - 1] if place else ""
    # "The capital is", "its country is": there the noun is the relation itself.
    return found if before in ("the", "in", "of", "from", "on", "at") and place >= 2 else ""


@lru_cache(maxsize=1024)
def _own_names(held: tuple[str, ...]) -> Names:
    return own_names((key, number) for number, key in enumerate(held))


class _NameWords(NamedTuple):
    hard: frozenset[str]
    """Roots that a sentence must have."""
    soft: frozenset[str]
    """Stems of words that say of what kind the values are: "year" in "award year"."""


_SOFT = frozenset(map(stem, "year date place location city country name title".split()))


@lru_cache(maxsize=1024)
def _words_of(held: tuple[str, ...]) -> tuple[_NameWords, ...]:
    """Return the words of each relation's name, without those that carry nothing."""
    found = []
    for key in held:
        stems = [
            one
            for one in name_stems(key)
            if one not in _PREPOSITIONS and not flags_of(one).startswith("~")
        ]
        hard = frozenset(root(one) for one in stems if one not in _SOFT)
        found.append(_NameWords(hard, frozenset(stems) & _SOFT))
    return tuple(found)


def _ranked(
    held: tuple[str, ...], targets: frozenset[Target], most: int | None = None
) -> list[str]:
    """Return the held relations that any of the targets asks for, best first.

    Args:
        most: the last rank that counts; ``None``: all.
    """
    if not targets:
        return []
    ranks: dict[str, int] = {}
    for target in targets:
        if target.kind == "own":
            ranks[held[target.number]] = -1
            continue
        accepted = _accepted(target)
        for key in held:
            rank = _rank(key, accepted)
            if rank is not None and (most is None or rank <= most):
                ranks[key] = min(rank, ranks.get(key, rank))
    wide = ("country", "continent")  # "Where is it?": in a town, rather than on a continent
    return sorted(ranks, key=lambda key: (ranks[key], _kind_of(key) in wide, held.index(key)))


def _usual_name(targets: frozenset[Target], held: tuple[str, ...]) -> str:
    """Return the name under which to ask for what the targets mean; empty without any."""
    from lamlam.memory_backends.model.synonyms import relation_groups

    order = ("own", "group", "family")
    best = min(targets, key=lambda one: (order.index(one.kind), one.number), default=None)
    if best is None:
        return ""
    if best.kind == "own":
        return held[best.number]
    if best.kind == "group":
        return relation_groups()[best.number][0]
    return phrase_table().families[best.number].names[0]


class _Accepted(NamedTuple):
    keys: Mapping[str, int]
    groups: Mapping[int, int]


@lru_cache(maxsize=4096)
def _accepted(target: Target) -> _Accepted:
    """Return relations and groups that a target accepts, with their ranks."""
    from lamlam.memory_backends.model.synonyms import group_of, relation_groups

    names: Sequence[str]
    if target.kind == "family":
        names = phrase_table().families[target.number].names
    else:
        names = relation_groups()[target.number][:1]
    keys = {name: rank for rank, name in reversed(list(enumerate(names)))}
    groups: dict[int, int] = {}
    for rank, name in enumerate(names):
        group = group_of(name)
        if group is not None:
            groups.setdefault(group, rank)
    return _Accepted(keys, groups)


def _rank(key: str, accepted: _Accepted) -> int | None:
    from lamlam.memory_backends.model.synonyms import group_of, may_answer, relation_groups

    if key in accepted.keys:
        return accepted.keys[key]
    group = group_of(key)
    if group is not None and group in accepted.groups:
        return accepted.groups[group]
    for wide, rank in accepted.groups.items():
        if rank == 0 and may_answer(key, relation_groups()[wide][0]):
            return rank
    return None


@lru_cache(maxsize=4096)
def _kind_of(key: str) -> str:
    """Return the kind of a relation's values by the phrase table; empty where it is not there."""
    from lamlam.memory_backends.model.synonyms import group_of

    group = group_of(key)
    best: tuple[int, str] | None = None
    for family in phrase_table().families:
        for rank, name in enumerate(family.names):
            if name == key or (group is not None and group_of(name) == group):
                if best is None or rank < best[0]:
                    best = (rank, family.kind)
                break
    return best[1] if best else ""


def _all_stated(values: Sequence[str], text: str) -> bool:
    return bool(values) and all(value in text for value in values)
