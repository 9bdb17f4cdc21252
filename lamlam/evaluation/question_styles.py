"""Ways to ask for any fact, made from the names of its entity and relation alone.

Six styles, each in three forms, since relations are named in three ways: as a thing ("birth
place"), as what is said of the entity ("located in", "founded"), as what it is of the value
("capital of"). No form reads well with every name; people's own questions do not, either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_EXAMPLES = (
    "Question: What is the seat of Lowmere?\nAnswer: Ostrand\n\n"
    "Question: What is the coin of Pelt?\nAnswer: dral\n\n"
)
_PREPOSITIONS = frozenset("about as at by for from in on to under with".split())


@dataclass(frozen=True, slots=True)
class QuestionStyle:
    """One way to ask, as templates of ``{entity}`` and ``{relation}``."""

    name: str
    of_thing: str
    of_verb: str
    of_value: str

    def question(self, entity: str, relation: str) -> str:
        """Return the prompt that asks for a relation of an entity."""
        relation = spoken(relation)
        last = relation.split()[-1] if relation.split() else ""
        template = self.of_thing
        if last == "of":
            template = self.of_value
        elif last in _PREPOSITIONS or (last == relation and last.endswith("ed")):
            template = self.of_verb
        return template.format(entity=entity, relation=relation)


STYLES = (
    QuestionStyle(
        "direct question",
        "What is the {relation} of {entity}?",
        "What was {entity} {relation}?",
        "What is {entity} the {relation}?",
    ),
    QuestionStyle(
        "paraphrased question",
        "Do you happen to know {entity}'s {relation}?",
        "Do you happen to know what {entity} was {relation}?",
        "Do you happen to know what {entity} is the {relation}?",
    ),
    QuestionStyle(
        "cloze",
        "Fill in the blank: the {relation} of {entity} is ____.",
        "Fill in the blank: {entity} was {relation} ____.",
        "Fill in the blank: {entity} is the {relation} ____.",
    ),
    QuestionStyle(
        "continuation",
        "The {relation} of {entity} is",
        "{entity} was {relation}",
        "{entity} is the {relation}",
    ),
    QuestionStyle(
        "few-shot",
        _EXAMPLES + "Question: What is the {relation} of {entity}?\nAnswer:",
        _EXAMPLES + "Question: What was {entity} {relation}?\nAnswer:",
        _EXAMPLES + "Question: What is {entity} the {relation}?\nAnswer:",
    ),
    QuestionStyle(
        "contextual",
        "These notes are for a page about {entity}.\n"
        "Question: What is the {relation} of {entity}?\nAnswer:",
        "These notes are for a page about {entity}.\n"
        "Question: What was {entity} {relation}?\nAnswer:",
        "These notes are for a page about {entity}.\n"
        "Question: What is {entity} the {relation}?\nAnswer:",
    ),
)


def questions(entity: str, relation: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each style and the prompt that asks in it."""
    for style in STYLES:
        yield style.name, style.question(entity, relation)


def spoken(relation: str) -> str:
    """Return the name of a relation as it stands in a sentence.

    >>> spoken("Birth_Place"), spoken("Internet TLD")
    ('birth place', 'internet TLD')
    """
    words = relation.replace("_", " ").split()
    return " ".join(word.lower() if word[1:].islower() else word for word in words)
