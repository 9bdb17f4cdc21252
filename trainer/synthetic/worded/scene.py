"""What the shapes of documents are written with: facts drawn, frames filled, answers given."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from lamlam.trainer.synthetic.documents import article
from lamlam.trainer.synthetic.worded.draft import Draft
from lamlam.trainer.synthetic.worded.frames import (
    ANY,
    Frame,
    FrameFamily,
    read_general_frames,
)
from lamlam.trainer.synthetic.worded.known import (
    FactSource,
    HeldEntity,
    HeldFact,
    fact_of_family,
)
from lamlam.word_lists import read_sections

T = TypeVar("T")
_LISTS = read_sections(Path(__file__).with_name("connecting_words.txt"))
_DAY = re.compile(r"\d{1,2}(?:st|nd|rd|th)? \w+|\w+ \d{1,2}(?:st|nd|rd|th)?,")
# A head of a column that is no noun: "the played for of" is no English.
_NO_NOUN = re.compile(
    r"(?:\b(?:by|for|in|of|at|as|on|to|from|with|after)$)|^(?:from|to|has|is|was|who|how|when|where)\b"
    r"|ed$|[^a-z '-]|^(?:built|run|held|won|sung|began|made|set)\b"
)
_SOURCE_NAME, _FIRST_NAME = 0.25, 0.5
"""Share of lookups under the name that the source of the fact has, and up to there under the
training text's own name of the relation; all names share the rest."""
_OWN = {"he": "His", "she": "Her", "it": "Its"}
_AS_SAID = 0.65
"""Share of lookups under the very words by which the text names the relation."""
_ASKED_IN_VAIN = 0.5
"""Share of the facts that memory lacks whose lookup is written out; of the others the text is as
it is where the runtime has taken the lookup back."""


Form = Literal["question", "statement", "retold"]
"""``retold``: a statement whose value is not looked up, so it may come first."""


@dataclass(frozen=True, slots=True)
class AskedFact:
    """A fact to ask for, of an entity."""

    entity: HeldEntity
    fact: HeldFact

    @property
    def is_held(self) -> bool:
        """Whether memory has an answer."""
        return bool(self.fact.values)


@dataclass(slots=True)
class Scene:
    """One document under way."""

    rng: random.Random
    source: FactSource
    absent: float
    """Share of the facts that are asked for although memory lacks them."""
    draft: Draft
    stated: dict[tuple[str, str], None] = field(default_factory=dict)
    """Entity and relation of the facts that the text has: these are not looked up again."""
    last: str = ""
    """The entity of the sentence before."""

    # ---- drawing -------------------------------------------------------------------------

    def chance(self, share: float) -> bool:
        """Return whether something that happens in this share of the cases happens now."""
        return self.rng.random() < share

    def one_of(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[int(self.rng.random() * len(options))]

    def words(self, name: str) -> str:
        """Return an entry of a list of connecting words."""
        return self.one_of(_LISTS[name]).replace("\\n", "\n")

    def entity(self, at_least: int = 1) -> HeldEntity:
        """Return a random entity, by preference with so many facts."""
        found = self.source.pick(self.rng)
        for _ in range(4):
            if len(found.facts) >= at_least:
                return found
            found = self.source.pick(self.rng)
        return found

    def others(self, entity: HeldEntity, n: int) -> list[HeldEntity]:
        """Return other entities of the kind, as many as there are up to ``n``."""
        found: dict[str, HeldEntity] = {}
        for _ in range(3 * n):
            one = self.source.pick_like(entity, self.rng)
            if one.name != entity.name:
                found[one.name] = one
            if len(found) == n:
                break
        return list(found.values())

    def with_family(self, family: FrameFamily, n: int, but: str) -> list[AskedFact]:
        """Return so many entities that have a relation, each with its fact."""
        having = self.source.of_family[family.name]
        found: dict[str, AskedFact] = {}
        for _ in range(3 * n):
            entity = self.one_of(having)
            if entity.name != but:
                fact = fact_of_family(entity, family)
                if fact is not None:
                    found[entity.name] = AskedFact(entity, fact)
            if len(found) == n:
                break
        return list(found.values())

    def asked(self, entity: HeldEntity, *, surely: bool = False) -> AskedFact:
        """Return a fact of the entity, or one that it lacks.

        Args:
            surely: one that it has.
        """
        if not surely and self.chance(self.absent):
            lacking = self.lacking(entity)
            if lacking is not None:
                return lacking
        return AskedFact(entity, self.one_of(entity.facts))

    def lacking(self, entity: HeldEntity) -> AskedFact | None:
        """Return a fact that memory lacks, of a relation that such an entity may have."""
        held = {fact.family.name for fact in entity.facts if fact.family is not None}
        relations = {fact.relation for fact in entity.facts}
        for _ in range(8):
            other = self.source.pick_like(entity, self.rng)
            families = [fact.family for fact in other.facts if fact.family is not None]
            if not any(family.name in held for family in families):
                continue  # a river has no use for the status of a bird
            family = self.one_of(families)
            if family.name not in held and not relations & set(family.names):
                return AskedFact(entity, HeldFact(family.names[0], (), family))
        return None

    def has(self, family: FrameFamily) -> bool:
        """Return whether entities with the relation are known."""
        return bool(self.source.of_family.get(family.name))

    def several(self, entity: HeldEntity, n: int) -> list[AskedFact]:
        """Return so many different facts of the entity, in random order, or all it has."""
        facts = list(entity.facts)
        self.rng.shuffle(facts)
        return [AskedFact(entity, fact) for fact in facts[:n]]

    # ---- names of relations --------------------------------------------------------------

    def stored_name(self, fact: HeldFact, said: str | None = None) -> str:
        """Return what memory calls the relation, drawn afresh for this lookup.

        Args:
            said: the words by which the text names the relation, if it names it.
        """
        family = fact.family
        if family is None:
            return said or fact.relation
        if said is not None and (said in family.own_nouns or self.chance(_AS_SAID)):
            return said
        chance = self.rng.random()
        if chance < _SOURCE_NAME:
            return fact.relation
        return family.names[0] if chance < _FIRST_NAME else self.one_of(family.names)

    def noun(self, fact: HeldFact) -> str | None:
        """Return a noun for the relation that a sentence can have; None where there is none."""
        if fact.family is not None and fact.family.nouns:
            return self.one_of(fact.family.nouns)
        if fact.family is None and not _NO_NOUN.search(fact.relation):
            return fact.relation
        return None

    def label(self, fact: HeldFact) -> str:
        """Return a name of the relation that stands alone: the head of a column or a line."""
        if fact.family is None:
            return fact.relation
        if fact.family.nouns and self.chance(0.5):
            return self.one_of(fact.family.nouns)
        return self.one_of(fact.family.names)

    # ---- frames --------------------------------------------------------------------------

    def frame(
        self, asked: AskedFact, form: Form, *, open_end: bool = False
    ) -> tuple[Frame, str | None] | None:
        """Return a frame for the fact and the noun that stands in it, if it needs one.

        Args:
            open_end: by preference one in which nothing comes behind the value.
        """
        family = asked.fact.family
        noun = self.noun(asked.fact)
        own = frames_of(family, form)
        general = frames_of(read_general_frames() if noun else None, form)
        if not own and not general:
            return None
        is_general = not own or (bool(general) and self.chance(0.25))
        frames = general if is_general else own
        found = self.one_of(self.one_of(frames))
        if open_end and not found.ends_with_value:
            found = self.one_of(self.one_of(frames))
        return found, noun if is_general else None

    def fill(self, frame: Frame, asked: AskedFact, noun: str | None, *, blank: str = "") -> None:
        """Write a frame: names, the relation's noun, and the value with its lookup.

        Args:
            blank: what stands in the place of the value instead.
        """
        name, fact, draft = asked.entity.name, asked.fact, self.draft
        tokens = frame.tokens
        if tokens[0] == "{E}" and not blank and self.last == name and self.chance(0.6):
            tokens = self._with_pronoun(tokens, asked.entity)
        self.last = name
        for place, token in enumerate(tokens):
            if token == "{E}":
                draft.name(name)
            elif token == "{R}":
                said = noun or fact.relation
                draft.say(said if place else said[0].upper() + said[1:])
            elif token == "{on}":
                draft.say("on" if _is_day(fact, blank) else "in")
            elif token == "{a}":
                is_gap = blank and blank not in fact.values
                draft.say("a" if is_gap or not fact.values else article(fact.values[0]))
            elif token != "{V}":
                draft.say(token)
            elif blank:
                draft.say_value(blank)
            else:
                self.value(asked, noun)

    def _with_pronoun(self, tokens: tuple[str, ...], entity: HeldEntity) -> tuple[str, ...]:
        """Return the tokens with a pronoun for the name that they begin with."""
        if entity.pronoun not in _OWN or len(tokens) < 2:
            return tokens
        if tokens[1].startswith("'s "):
            return (_OWN[entity.pronoun] + tokens[1][2:], *tokens[2:])
        if tokens[1].startswith(" ") and tokens[1][1:2].islower():
            return (entity.pronoun.capitalize(), *tokens[1:])
        return tokens

    def value(self, asked: AskedFact, said: str | None = None) -> None:
        """Write the value, or what a text says where memory has none."""
        fact = asked.fact
        if fact.values:
            if self.is_stated(asked):
                self.draft.say_value(fact.values[0])
                return
            relation = self.stored_name(fact, said)
            self.draft.value(asked.entity.name, relation, fact.values[0])
            return
        if self.chance(_ASKED_IN_VAIN):
            self.draft.ask_in_vain(asked.entity.name, self.stored_name(fact, said))
        kind = fact.family.value if fact.family is not None else ANY
        self.draft.say(self.words(f"unknown {kind}"))

    def is_stated(self, asked: AskedFact) -> bool:
        """Return whether the text has the fact and its value already; from now on it counts as stated.

        The same key asked again would return the next value, or nothing.
        """
        family = asked.fact.family
        key = (asked.entity.name, family.name if family is not None else asked.fact.relation)
        was_there = key in self.stated
        self.stated[key] = None
        return was_there and asked.fact.values[0] in self.draft.text

    def values(self, asked: AskedFact, said: str | None = None) -> None:
        """Write all values of a relation as a list, each fetched by a lookup of its own.

        The same key asked again gives the next value, so its name does not change.
        """
        fact = asked.fact
        if len(fact.values) < 2:
            self.value(asked, said)
            return
        if self.is_stated(asked):
            self.draft.say_value(fact.values[0])
            return
        relation = self.stored_name(fact, said)
        shown = fact.values[:6]
        for i, value in enumerate(shown):
            if i:
                self.draft.say(", " if i < len(shown) - 1 else " and ")
            self.draft.value(asked.entity.name, relation, value)

    def state(self, asked: AskedFact, *, open_end: bool = False) -> bool:
        """Write a sentence that states the fact; False where no frame can."""
        found = self.frame(asked, "statement", open_end=open_end)
        if found is None:
            return False
        frame, noun = found
        if not asked.is_held and (not frame.ends_with_value or "{a}" in frame.tokens):
            return False
        self.fill(frame, asked, noun)
        return True

    def state_plainly(self, asked: AskedFact) -> bool:
        """Write a sentence that repeats a fact whose value the text has: nothing is looked up."""
        found = self.frame(asked, "retold")
        if found is None or not asked.is_held:
            return False
        self.fill(found[0], asked, found[1], blank=asked.fact.values[0])
        return True

    def ask(self, asked: AskedFact) -> tuple[bool, str | None]:
        """Write a question or request for the fact.

        Returns:
            False where no frame can; the words by which it names the relation, if it does.
        """
        found = self.frame(asked, "question")
        if found is None:
            return False, None
        self.fill(found[0], asked, found[1], blank="")
        return True, found[1]

    def answer(self, asked: AskedFact, said: str | None, *, ends: bool = True) -> None:
        """Write the answer alone, or that nobody knows.

        Args:
            ends: with a full stop, or without one in half of the cases.
        """
        if asked.is_held:
            if len(asked.fact.values) > 1 and self.chance(0.6):
                self.values(asked, said)
            else:
                self.value(asked, said)
            if ends and self.chance(0.6):
                self.draft.say(".")
            return
        if self.chance(_ASKED_IN_VAIN):
            self.draft.ask_in_vain(asked.entity.name, self.stored_name(asked.fact, said))
        self.draft.say(self.words("no answer"))

    def lead(self) -> None:
        """Write, in some documents, a sentence that names other entities and states nothing."""
        if self.chance(0.25):
            self.aside(self.source.pick(self.rng))
            self.draft.say(self.one_of((" ", "\n", "\n\n")))

    def aside(self, first: HeldEntity, second: HeldEntity | None = None) -> None:
        """Write a sentence that names one or two entities and states nothing about them."""
        pattern = self.words("aside on two" if second is not None else "aside")
        for part in re.split(r"(\{E\}|\{F\})", pattern):
            if part == "{E}":
                self.draft.name(first.name)
            elif part == "{F}" and second is not None:
                self.draft.name(second.name)
            else:
                self.draft.say(part)


def frames_of(family: FrameFamily | None, form: Form) -> Sequence[tuple[Frame, ...]]:
    """Return the frames of a family for one form, each with its variants."""
    if family is None:
        return ()
    if form == "question":
        return family.questions
    if form == "statement":
        return family.statements
    return family.statements + family.reversed


def _is_day(fact: HeldFact, blank: str) -> bool:
    value = fact.values[0] if fact.values else ""
    return bool(_DAY.match(value)) if value and (not blank or blank == value) else False
