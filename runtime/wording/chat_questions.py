"""What a message of a chat asks memory: all of its questions, each with entity and relations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from lamlam.memory_backends.model.words import words_of
from lamlam.memory_backends.resolution.known_words import is_common_word
from lamlam.runtime.wording.phrases import CLASSES
from lamlam.runtime.wording.prompt_form import sentence_places

if TYPE_CHECKING:
    from lamlam.runtime.wording.prompt_reader import Asked
    from lamlam.runtime.wording.word_guide import WordGuide

MOST_QUESTIONS = 4
"""Of one message, the first ones."""
MOST_TOLD = 3
"""Facts of an entity that is asked about as such, the first ones that memory has."""
_MOST_PLEASANT_WORDS = 6
_LONGEST_WORD = 40
_ASKING = (
    r"(?:who|whom|whose|what|when|where|which|how|(?:in|on|from|to|at|by) (?:what|which|whom))\b"
)
_CLAUSE_BREAK = re.compile(
    rf"[,;]?\s+(?:and|but|or|plus)\s+(?:also\s+|then\s+)?(?={_ASKING})|[,;]\s+(?={_ASKING})",
    re.IGNORECASE,
)
_WH = re.compile(rf"\b{_ASKING}", re.IGNORECASE)
_YES_OR_NO = frozenset(
    "is are was were did does do has have had isn't aren't wasn't weren't didn't doesn't don't"
    " hasn't haven't".split()
)
_BEFORE_VERB = frozenset("hey hi hello ok okay so and but well then please now also".split())
_JOINING = re.compile(r"[\s,]*(?:and|or|&|,)[\s,]*(?:(?:of|in|for|the|also)\s+)*", re.IGNORECASE)
_TELL = re.compile(
    r"^\W*(?:(?:please|so|ok|okay|and|now|then|hi|hello)\W+)*(?:(?:can|could|would|will) you (?:please )?)?"
    r"(?:(?:tell|give) (?:me|us)(?: (?:something|anything|a bit|a little|more|some facts|facts|everything))*"
    r"(?: (?:more|that you know|you know))? (?:about|on)"
    r"|(?:what|anything|something) do you know (?:about|of)|what can you (?:tell|say)(?: (?:me|us))? about"
    r"|do you know (?:anything|something) about|describe|who(?:'s|\u2019s| is| was| are| were)"
    r"|what(?:'s|\u2019s| is| was| are| were))\s+(?:the )?$",
    re.IGNORECASE,
)
"""What stands before the name in "Tell me something about Oslo" and "Who was Marie Curie?"."""
_THERE = re.compile(r"\b(?:they|people|we|you)\b([^.?!]*)\bthere(?=\W*$)", re.IGNORECASE)
_WHY = re.compile(r"\W*(?:\w+\W+){0,2}why\b", re.IGNORECASE)
_ELLIPSIS = re.compile(
    r"^\W*(?:(?:and|or|but|so|ok|okay|then)\s+)*(?:(?:what|how) about\s+|and\s+)?"
    r"(?:(?:that|those|the one)\s+)?(?:(?:of|for|in|from|with)\s+)?(?:the\s+)?",
    re.IGNORECASE,
)
_TIME_BEHIND = re.compile(r"\s(?:in|on)\s+[^?]*\d[^?]*$")
_PLACE_BEHIND = re.compile(r"\s(?:in|at)\s+[A-Z][^?]*$")
_WORD_BEFORE = re.compile(r"[\w,] (\w)\w* \Z")
"""The word before a place that is not the first of its sentence."""


@dataclass(frozen=True, slots=True)
class ChatQuestion:
    """One question: what it names, and how it asks."""

    entity: str
    """The name to ask by."""
    key: str
    """Of the entity in memory."""
    relations: tuple[str, ...]
    """What may answer it, best first; where memory holds none, the name of what is wanted."""
    is_held: bool
    is_yes_or_no: bool
    is_listed: bool = False
    """It is asked of several at once: "the symbols of gold and silver"."""


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """What was read in one message."""

    questions: tuple[ChatQuestion, ...]
    is_whole: bool
    """There is nothing else in it but politeness."""
    has_name: bool
    """Message or talk before it names something that memory knows."""
    asks: bool = False
    """It asks of such a thing, whatever it is that it asks."""
    is_polite: bool = False
    """It is politeness and nothing else, whatever was said before it."""


def read_message(guide: WordGuide, before: Sequence[str], message: str) -> ReadMessage:
    """Return what a message asks.

    Args:
        before: the message and the answer before it, of which a question without a name speaks.
    """
    said = [_without_politeness(guide, one) for one in before]
    questions: list[ChatQuestion] = []
    is_whole = is_polite = True
    asked_here = ""
    for sentence in _sentences(guide, message):
        if _is_pleasant(sentence):
            continue
        is_polite = False
        clauses = _clauses(guide, sentence)
        for clause in clauses:
            contexts = _contexts(said, asked_here)
            found = _read_clause(guide, contexts, clause, is_cut=len(clauses) > 1)
            questions += [one for one in found if one not in questions]
            is_whole = is_whole and bool(found)
            asked_here = f"{asked_here}\n{clause}"
    has_name = bool(questions) or guide.knows_name(*before, message)
    asks = has_name and not questions and _asks_something(guide, before, message)
    return ReadMessage(tuple(questions[:MOST_QUESTIONS]), is_whole, has_name, asks, is_polite)


def _contexts(said: Sequence[str], asked_here: str) -> list[str]:
    """Return what a question without a name may speak of, one after the other.

    "And its currency?" speaks of what was asked about, unless only the answer fits: "When was he
    born?" behind "Who directed Psycho?".
    """
    asked = "\n".join([*said[:1], asked_here]).strip()
    answered = "\n".join([*said, asked_here]).strip()
    return list(dict.fromkeys((asked, answered)))


def _asks_something(guide: WordGuide, before: Sequence[str], message: str) -> bool:
    asked = guide.read("\n".join([*before, message]))
    return asked is not None and bool(asked.entity)


def _without_politeness(guide: WordGuide, text: str) -> str:
    return "\n".join(one for one in _sentences(guide, text) if not _is_pleasant(one))


def _sentences(guide: WordGuide, text: str) -> Iterator[str]:
    names = [place for place in guide.name_places(text) if not _is_pleasant(text[slice(*place)])]
    for start, end in sentence_places(text, names):
        yield text[start:end]


def _is_pleasant(sentence: str) -> bool:
    """Return whether a sentence is politeness: "Thank you." is not the film of this name."""
    words = [one.text for one in words_of(sentence) if one.kind == "word"]
    if sentence.rstrip()[-1:] == "?" or len(words) > _MOST_PLEASANT_WORDS:
        return False
    is_polite = all(word.casefold() in _polite() for word in words)
    return is_polite and not _WH.search(sentence)


@cache
def _polite() -> frozenset[str]:
    return frozenset(CLASSES.words("polite"))


def is_common(word: str) -> bool:
    """Return whether a word is one of every text, whatever memory has of this name."""
    return is_common_word(word.casefold())


def _clauses(guide: WordGuide, sentence: str) -> list[str]:
    """Return the questions that a sentence joins: "Who wrote X, and when was Y made?"."""
    names = guide.name_places(sentence)
    parts: list[str] = []
    begin = 0
    for found in _CLAUSE_BREAK.finditer(sentence):
        is_in_name = any(start < found.end() and found.start() < end for start, end in names)
        part = sentence[begin : found.start()]
        if is_in_name or not (_asks(part) or _told_of(guide, part)):
            continue
        parts.append(sentence[begin : found.start()])
        begin = found.end()
    return [*parts, sentence[begin:]]


def _asks(part: str) -> bool:
    """Return whether the part before "and who" is a question of its own, not only its lead."""
    found = _WH.search(part)
    return found is not None and len(part[found.end() :].split()) > 1


def _read_clause(
    guide: WordGuide, contexts: Sequence[str], clause: str, *, is_cut: bool
) -> list[ChatQuestion]:
    if told := _told_of(guide, clause):
        return told
    asking = f"{clause.rstrip(' .,;!?')}?" if is_cut else clause
    asking = _repeated(guide, contexts[0], asking) or _THERE.sub(r"people\1in it", asking)
    is_yes_or_no = _wants_yes_or_no(asking)
    asked = _asked(guide, contexts, asking)
    for other in _as_questions(guide, asking) if is_yes_or_no else ():
        if (turned := _asked(guide, contexts, other)) is not None and turned.relations:
            asked = turned
            break
    if asked is None:
        return []
    if not asked.relations and _WHY.match(asking):
        return []
    same = [asked]
    if not is_yes_or_no:
        for other in _with_other_names(guide, asking):
            also = _asked(guide, contexts, other)
            if also is not None and also.wanted == asked.wanted:
                same += [also] * all(one.key != also.key for one in same)
    return [
        ChatQuestion(
            one.entity,
            one.key,
            one.relations or (one.wanted,),
            bool(one.relations),
            is_yes_or_no,
            len(same) > 1,
        )
        for one in same
    ]


def _told_of(guide: WordGuide, clause: str) -> list[ChatQuestion]:
    """Return the first facts of an entity that is asked about as such: "Tell me about Oslo."."""
    body = clause.rstrip(" .,;!?")
    places = [(start, end) for start, end in guide.name_places(body) if end == len(body)]
    for start, end in places:
        if _TELL.match(body[:start]) is None or is_within_name(clause, body[start:end]):
            continue
        view = guide.meanings.of(body[start:end], fuzzy=False).view
        view = guide.meant(body[start:end], clause) if view is None else view
        if view is None:
            continue
        name = view.name
        return [
            ChatQuestion(
                name, view.key, (relation,), is_held=True, is_yes_or_no=False, is_listed=True
            )
            for relation in tuple(view.relations)[:MOST_TOLD]
        ]
    return []


def _asked(guide: WordGuide, contexts: Sequence[str], clause: str) -> Asked | None:
    """Return what a clause clearly asks in the first context in which memory holds it, or none.

    A clause that names something itself is read alone first: it speaks of that, not of the talk.
    """
    found: list[Asked] = []
    own = ("",) if guide.knows_name(clause) else ()
    for context in dict.fromkeys((*own, *contexts)):
        text = f"{context}\n{clause}" if context else clause
        asked = guide.read(text)
        if asked is None or asked.form == "open" or not asked.entity or not asked.is_clear:
            continue
        if not is_within_name(text, asked.entity):
            found.append(asked)
            if asked.relations:
                break
    return next((one for one in found if one.relations), found[0] if found else None)


def _as_questions(guide: WordGuide, clause: str) -> Iterator[str]:
    """Yield what a question for yes or no asks: "Did A direct B?" as "Who direct B?"."""
    body = clause.rstrip(" ?!.")
    if (found := _TIME_BEHIND.search(body)) is not None:
        yield f"When {_small(body[: found.start()])}?"
    elif (found := _PLACE_BEHIND.search(body)) is not None:
        yield f"Where {_small(body[: found.start()])}?"
    for start, end in guide.name_places(clause):
        before, rest = clause[:start].split(), clause[end:]
        if before and before[-1].casefold() in _YES_OR_NO:
            lead = "" if before[-1].casefold().startswith(("d", "h")) else f" {before[-1].lower()}"
            yield f"Who{lead}{rest}"
            yield f"What{lead}{rest}"


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]


def _with_other_names(guide: WordGuide, clause: str) -> Iterator[str]:
    """Yield a clause with each name alone of those that stand beside each other in it."""
    places = sorted(guide.name_places(clause))
    for n in range(1, len(places)):
        (_, end), (start, _) = places[n - 1], places[n]
        if _JOINING.fullmatch(clause[end:start]) is not None:
            first = places[n - 1][0]
            yield clause[:first] + clause[start:]
            yield clause[:end] + clause[places[n][1] :]


def _repeated(guide: WordGuide, context: str, clause: str) -> str | None:
    """Return the question before with the name of one that has nothing else: "And of Spain?"."""
    body = _ELLIPSIS.sub("", clause, count=1)
    places = guide.name_places(clause)
    rest = clause[places[-1][1] :] if places else "x"
    if (
        body == clause
        or not places
        or rest.strip(" ?!.")
        or places[-1][0] > len(clause) - len(body)
    ):
        return None
    for earlier in reversed(context.splitlines()):
        named = guide.name_places(earlier)
        if named and earlier.rstrip().endswith("?"):
            start, end = named[-1]
            name = clause[slice(*places[-1])].rstrip("?!. ")
            return f"{earlier[:start]}{name}{earlier[end:].rstrip('?')}?"
    return None


def _wants_yes_or_no(clause: str) -> bool:
    words = [one.casefold().strip(",;:\"'“").replace("’", "'") for one in clause.split()]
    while words and words[0] in _BEFORE_VERB:
        words = words[1:]
    is_asked = bool(words[1:]) and words[1] in ("you", "we", "i", "anyone", "someone", "anybody")
    return bool(words) and words[0] in _YES_OR_NO and not is_asked and _WH.search(clause) is None


def is_within_name(text: str, entity: str) -> bool:
    """Return whether an entity stands in a text only as a part of longer names.

    "Magic" in "The Magic Flute", which memory may not know.
    """
    name = re.escape(entity.partition(" (")[0])
    places = list(re.finditer(rf"(?<!\w){name}(?!\w)", text, re.IGNORECASE))
    return bool(places) and all(_is_longer(text, *place.span()) for place in places)


def _is_longer(text: str, start: int, end: int) -> bool:
    before = _WORD_BEFORE.search(text, max(0, start - _LONGEST_WORD), start)
    is_behind_name = before is not None and before[1].isupper()
    return is_behind_name or (text[end : end + 1] == " " and text[end + 1 : end + 2].isupper())
