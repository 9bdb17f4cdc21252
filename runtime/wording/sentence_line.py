"""A sentence as a line of stems, in which phrases and names of relations are looked for."""

from __future__ import annotations

from collections.abc import Sequence

from lamlam.memory_backends.model.words import Word
from lamlam.runtime.wording.lexicon import shared_names
from lamlam.runtime.wording.phrases import class_stems, flags_of, value_class_of
from lamlam.runtime.wording.prompt_form import Form, Sentence

PREPOSITIONS = frozenset("of for in from at on to by with as into about under".split())
_SIGNS = frozenset("~^$_")
"""Marks that mean something in a line, and are left out of it where the text has them."""
_PRONOUNS = {
    **dict.fromkeys(("he", "she", "it", "they", "him", "them"), ("E",)),
    **dict.fromkeys(("his", "her", "its", "their", "whose"), ("E", "'s")),
}
_QUESTION_CLASSES = {"wher": "place", "when": "date", "who": "person", "whom": "person"}
_YEARS = frozenset("year dat day month decad century".split())
"""Before a verb they are what is asked for: "the year founded"."""
_AMOUNTS = frozenset("many much tall high larg big long heavy far fast deep wide hot cold".split())
_BEFORE_IS = frozenset(
    ("the", "nam", "call", '"', ",", "know", "as", "of", "non", "other", "than", "in", "at", "on")
)


class SentenceLine:
    """The stems of a sentence, with the entity as ``E`` and the place of the value as ``$``."""

    def __init__(self, stems: list[str], form: Form, value_class: str) -> None:
        self.stems = stems
        self.form = form
        self.value_class = value_class
        """Of what class the value has to be: "city", "date"; empty where it may be of any."""
        self.is_asking = form != "open" or _is_described(stems)
        """Its words describe what is wanted, in any order: "The city where E was born is"."""
        self.text = _line(stems)
        if "$" in stems and self.is_asking:
            due = stems.index("$")
            if "E" in stems[due:]:  # "____ wrote E" asks as "who wrote E" does
                self.text += f" {_line(['who', *stems[due + 1 :]])}"
                self.text += f" {_line(['what', *stems[due + 1 :]])}"

    @classmethod
    def of(cls, sentence: Sentence, places: Sequence[tuple[int, int]]) -> SentenceLine:
        """Return the line of a sentence.

        Args:
            places: where the entity stands in the text.
        """
        stems = _with_pronouns(_stems(sentence.words, places))
        form, wanted = sentence.form, ""
        stems = _with_places(stems)
        if form == "question":
            stems, wanted = _turned(stems)
        elif form == "blank" and "_" in stems:
            stems[stems.index("_")] = "$"
        else:
            while stems and stems[-1] in (":", "-", "=", "|", '"', ",", "("):
                stems.pop()
            stems.append("$")
        if not wanted and "$" in stems:
            wanted = _class_before(stems, stems.index("$"))
        if not wanted and (form == "question" or _is_described(stems)):
            wanted = _asked_class(stems)
        return cls(stems, form, wanted)

    def is_by_pronoun(self, place: int) -> bool:
        """Return whether the entity that stands last before a place is "his" or "its" there."""
        before = [n for n in range(min(place, len(self.stems))) if self.stems[n] == "E"]
        return bool(before) and len(before) > 1

    @property
    def due(self) -> int:
        """Where the value is due; behind the sentence where nothing says so."""
        return self.stems.index("$") if "$" in self.stems else len(self.stems)


def _is_described(stems: list[str]) -> bool:
    """Return whether an open sentence ends by "is", and what is before it describes the value."""
    before = stems[: stems.index("$")] if "$" in stems else stems
    while before and before[-1] in _BEFORE_IS:
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
        if norm in ("?", ".", "!", "\n") or (word.kind == "mark" and norm in _SIGNS):
            continue
        if norm == "whos" and (stems[-1:] == ["E"] or stems[-2:] == ["E", ","]):
            stems = stems[: len(stems) - (stems[-1] == ",")]
            norm = "'s"
        stems.append(norm)
    return stems


def _with_pronouns(stems: list[str]) -> list[str]:
    """Return the stems with pronouns as the entity, those behind its name or where it has none."""
    first = stems.index("E") if "E" in stems else -1
    return [
        part
        for n, one in enumerate(stems)
        for part in (_PRONOUNS.get(one, (one,)) if n > first else (one,))
    ]


def _with_places(stems: list[str]) -> list[str]:
    """Return "the city in which" as "the city where", "the year in which" as "the year when"."""
    turned: list[str] = []
    for one in stems:
        if one == "which" and turned[-1:] and turned[-1] in ("in", "on", "at", "from"):
            of_class = value_class_of(turned[-2]) if len(turned) > 1 else ""
            if of_class:
                turned[-1] = "when" if of_class == "date" else "wher"
                continue
        turned.append(one)
    return turned


def _turned(stems: list[str]) -> tuple[list[str], str]:
    """Return a question with its value's place where it is at the end: "E was born in which city?"."""
    for n in range(max(1, len(stems) - 4), len(stems)):
        if stems[n] in ("what", "which", "wher", "whom", "who", "when") and (
            stems[n - 1] in PREPOSITIONS or stems[n - 1] in ("be", "the")
        ):
            rest = stems[n + 1 :]
            if "E" in rest or len(rest) > 2 or "E" not in stems[:n]:
                break
            wanted = next(filter(None, map(value_class_of, rest)), "")
            return [*stems[:n], *rest, "$"], wanted or _QUESTION_CLASSES.get(stems[n], "")
    return stems, ""


def _asked_class(stems: list[str]) -> str:
    """Return the class of values that a question asks for; empty where it leaves it open."""
    for n, one in enumerate(stems[:-1]):
        if one in ("what", "which"):
            for place, word in enumerate(stems[n + 1 : n + 4], n + 1):
                if word in ("E", "be", "do", "have", "of", "will", "can"):
                    break
                if found := value_class_of(word):
                    # "Which country code" asks for a code, and "what time zone" for no time.
                    pair = tuple(stems[place : place + 2])
                    is_head = word in _YEARS or pair not in shared_names()
                    return found if is_head else value_class_of(pair[-1])
            return ""
        if one == "how":
            return "number" if stems[n + 1] in _AMOUNTS else ""
        if one in ("wher", "when"):
            head = value_class_of(stems[n - 1]) if n else ""
            return head or _QUESTION_CLASSES[one]
        if one in ("who", "whom"):
            before = stems[n - 1] if n else ""
            is_person = n == 0 or before in class_stems("person") or before in PREPOSITIONS
            return "person" if is_person and "own" not in stems else ""
    return ""


def _class_before(stems: list[str], due: int) -> str:
    """Return the class of the noun right before the value: "in the city of"."""
    place = due - 1
    while place >= 0 and stems[place] in ("of", "the", "call", "nam", '"', "be", "'", ":"):
        place -= 1
    if place < 2 or "be" in stems[place + 1 : due]:
        return ""  # "The capital is", "the head of state is": there the noun is the relation itself
    found = value_class_of(stems[place])
    return found if stems[place - 1] in ("the", "in", "of", "from", "on", "at") else ""
