"""Memories with one fault each in what they tell about texts, and the law that is about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from lamlam.errors import BadFact
from lamlam.memory_backends.model.facts_about import FactsAbout, TextQuestion
from lamlam.memory_backends.networkx_graph.store import GraphStore
from lamlam.memory_backends.protocol import FactStore


class ChangesQuestions(GraphStore):
    """A memory that answers about another text, or from elsewhere."""

    def about_text_nowait(self, question: TextQuestion) -> FactsAbout:
        return super().about_text_nowait(self.instead_of(question))

    def instead_of(self, question: TextQuestion) -> TextQuestion:
        return question


class NeedsCapitals(GraphStore):
    def about_text_nowait(self, question: TextQuestion) -> FactsAbout:
        about = super().about_text_nowait(question)
        return replace(about, names=tuple(one for one in about.names if not one.text.islower()))


class GivesNoIds(GraphStore):
    def about_text_nowait(self, question: TextQuestion) -> FactsAbout:
        about = super().about_text_nowait(question)
        return replace(about, facts=tuple(f.model_copy(update={"id": None}) for f in about.facts))


class IgnoresWhatIsAsked(GraphStore):
    def about_text_nowait(self, question: TextQuestion) -> FactsAbout:
        about = super().about_text_nowait(question)
        order = [f.surface for f in self.scan_nowait()]
        return replace(
            about, facts=tuple(sorted(about.facts, key=lambda f: order.index(f.surface)))
        )


class FillsUpWithOneName(GraphStore):
    def about_text_nowait(self, question: TextQuestion) -> FactsAbout:
        about = super().about_text_nowait(replace(question, max_facts=10**6))
        ordered = sorted(about.facts, key=lambda fact: fact.entity)
        return replace(about, facts=tuple(ordered[: question.max_facts]))


class KnowsNoAuthor(ChangesQuestions):
    def instead_of(self, question: TextQuestion) -> TextQuestion:
        return replace(question, me=None)


@dataclass(frozen=True, slots=True)
class BrokenLines(FactsAbout):
    def lines(self) -> tuple[str, ...]:
        return tuple(f"{one.entity}: {one.relation}: {one.surface}" for one in self.facts)

    def as_text(self) -> str:
        return "\n".join(self.lines())


class BreaksLines(GraphStore):
    def about_text_nowait(self, question: TextQuestion) -> FactsAbout:
        about = super().about_text_nowait(question)
        return BrokenLines(about.names, about.facts, about.left_out)


class ReadsTextsAsBytes(ChangesQuestions):
    def instead_of(self, question: TextQuestion) -> TextQuestion:
        return replace(question, text=question.text.encode().decode())


class TakesAnyArgument(GraphStore):
    async def facts_about(self, text: str, **options: Any) -> FactsAbout:
        try:
            return await super().facts_about(text, **options)
        except BadFact:
            return FactsAbout()


class ReadsOwnNamesOnly(GraphStore):
    def about_text_nowait(self, question: TextQuestion) -> FactsAbout:
        about = super().about_text_nowait(question)
        same = tuple(one for one in about.names if one.text.casefold() == one.entity.casefold())
        return replace(about, names=same)


class TakesOneOfSeveral(GraphStore):
    def about_text_nowait(self, question: TextQuestion) -> FactsAbout:
        about = super().about_text_nowait(question)
        return replace(about, names=tuple({one.start: one for one in about.names}.values()))


class ReadsTheFirstNamespace(ChangesQuestions):
    def instead_of(self, question: TextQuestion) -> TextQuestion:
        return replace(question, namespaces=question.namespaces[:1])


class AnswersTextsFromNow(ChangesQuestions):
    def instead_of(self, question: TextQuestion) -> TextQuestion:
        return replace(question, as_of=None)


class TellsOldPeriods(GraphStore):
    async def about_text(self, question: TextQuestion) -> FactsAbout:
        about = await super().about_text(question)
        return replace(about, facts=tuple([one async for one in self.scan(include_expired=True)]))


class AnswersTextsOnlyLater(GraphStore):
    async def about_text(self, question: TextQuestion) -> FactsAbout:
        return super().about_text_nowait(question)

    def about_text_nowait(self, question: TextQuestion) -> FactsAbout:
        return FactsAbout()


class LeavesOutOthersFacts(GraphStore):
    def about_text_nowait(self, question: TextQuestion) -> FactsAbout:
        about = super().about_text_nowait(question)
        names = {one.entity for one in about.names}
        return replace(about, facts=tuple(f for f in about.facts if f.entity in names))


ABOUT_MUTANTS: dict[Callable[..., FactStore], str] = {
    NeedsCapitals: "test_a_text_is_answered_by_what_it_names",
    GivesNoIds: "test_facts_about_are_those_of_the_store",
    IgnoresWhatIsAsked: "test_what_a_text_asks_for_comes_first",
    FillsUpWithOneName: "test_names_share_the_budget",
    KnowsNoAuthor: "test_the_author_is_who_the_caller_says",
    BreaksLines: "test_a_fact_is_one_line",
    ReadsTextsAsBytes: "test_facts_about_hostile_texts",
    TakesAnyArgument: "test_facts_about_checks_its_arguments",
    ReadsOwnNamesOnly: "test_an_alias_names_its_entity",
    TakesOneOfSeveral: "test_names_in_a_text_may_lack_accents",
    ReadsTheFirstNamespace: "test_a_users_facts_hide_the_shared_ones",
    AnswersTextsFromNow: "test_facts_about_as_of_a_revision",
    TellsOldPeriods: "test_facts_about_hold_now",
    AnswersTextsOnlyLater: "test_facts_about_at_once",
    LeavesOutOthersFacts: "test_a_text_names_what_is_a_value_alone",
}
"""By fault: the law that is about it."""
