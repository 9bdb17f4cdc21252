"""What has been read of a clause, and which relation a name or a date in it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_OF_PLACES = frozenset({"in", "at", "near", "on"})
OF_DATES = frozenset(
    {"in", "on", "since", "until", "from", "to", "by", "during", "after", "before"}
)
_LATER = frozenset({"in", "at", "on", "by", "until", "since", "during"})
"""Prepositions that belong to the verb behind another one, too."""
_LIGHT = frozenset("became become found made had took taken set put got gave given went".split())
"""Verbs that say little without what follows them."""
Place = Literal[
    "subject", "auxiliary", "verb", "preposition", "noun", "comma", "and", "value", "name"
]


@dataclass(slots=True)
class Clause:
    """What has been read of a clause, and what may come next."""

    verb: str = ""
    noun: str = ""
    preposition: str = ""
    head: str = ""
    """The first noun, of a clause without a verb."""
    is_copular: bool = False
    is_passive: bool = False
    n_prepositions: int = 0
    goes_on: bool = False
    """A name right after a comma or "and" has the relation of the one before."""
    is_dead: bool = False
    """What follows belongs to something that was not understood; dates may still be the verb's."""
    has_no_dates: bool = False
    """A date here would be of another event ("until her death in 1991")."""
    after_noun: bool = False
    """The last preposition came right behind a noun."""
    after_name: bool = False
    """The last value was a name: "in" and "of" behind it are the name's."""

    def begin_verb(self, verb: str, *, is_passive: bool) -> None:
        self.verb, self.noun, self.preposition, self.head = verb, "", "", ""
        self.is_passive, self.is_copular = is_passive, False
        self.n_prepositions = 0
        self.goes_on = self.is_dead = self.after_name = self.has_no_dates = False

    def name_relation(self) -> str:
        """Return the relation of a name behind a preposition; empty if there is none."""
        if self.is_dead or not self.preposition:
            return ""
        if self.after_name and self.preposition in (
            "in",
            "of",
            "at",
            "near",
            "on",
            "for",
            "to",
            "from",
        ):
            return ""
        if self.n_prepositions > 1:
            # "with music by": the noun's, not the verb's.
            is_verbs = self.preposition in _LATER and (
                self.preposition != "by" or not self.after_noun
            )
            if not self.verb or not is_verbs:
                return ""
        if self.verb:
            if self.preposition == "of" and not self.noun:
                return ""  # "located north of"
            if self.verb == "based" and self.preposition == "by":
                return ""  # "based on a novel by"
            if self.verb in _LIGHT and not self.noun and self.preposition in _OF_PLACES:
                return ""  # "became popular in"
            noun = self.noun if self.n_prepositions == 1 and self.noun else ""
            return " ".join(filter(None, [self.verb, noun, self.preposition]))
        return f"{self.noun} {self.preposition}" if self.noun and self.n_prepositions == 1 else ""

    def date_relation(self, place: Place, *, is_list: bool) -> str:
        """Return the relation of a date."""
        if place == "auxiliary" and self.is_copular and not self.verb:
            return "year"
        head = "" if self.has_no_dates else self.verb or self.head
        if head in _LIGHT:  # "became mayor in", not "became in"
            head = f"{head} {self.noun}" if self.noun else ""
        if place == "preposition" and self.preposition in OF_DATES:
            return f"{head} {self.preposition}" if head else ""
        places = ("comma", "value", "noun", "name") if is_list else ("comma", "value")
        if place in places and head and not self.is_copular:
            return f"{head} in"
        return ""
