"""The subject of each sentence, and where what is said of it begins."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lamlam.trainer.annotation.sentence_tokens import is_verb, words
from lamlam.trainer.annotation.subjects import (
    INTRODUCTION,
    SentenceAbout,
    names_of_title,
    sentences_about,
)
from lamlam.trainer.documents import Document
from lamlam.trainer.pronouns import pronoun_of

_YEAR = r"(?:1\d\d\d|20\d\d)"
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
)
_OPENING = re.compile(
    rf"(In|On|Since|By|From|Until|During|After|Before) ((?:{_MONTH} )?(?:\d{{1,2}},? )?(?:{_MONTH} )?{_YEAR}),? "
)
_PRONOUN = re.compile(r"(He|She|It|They|he|she|it|they)\b")
_THE = re.compile(r"(?:The|This|the|this) ((?:[a-z-]+ ){0,2}?)([a-z-]+)\b")
_COPULA = re.compile(r"\b(?:is|was|are|were) (?:an?|the) ([^.;:()]{3,90})")
_NAME = re.compile(
    r"(?:The )?[^\W\d_a-z][\w'’.-]*(?: (?:(?:of|de|von|van|the|&) )?[^\W\d_a-z][\w'’.-]*)*"
)
# "Its lead single topped …", "The harbour was attacked …": up to three words, then a verb.
_PART = re.compile(
    r"(The|the|Its|its|His|his|Her|her|Their|(?=Construction|Production|Filming|Work|Development)) ?"
    r"((?:[a-z-]+ ){0,2}?(?:[a-z-]{3,}|Construction|Production|Filming|Work|Development))(?= (?:(?:was|were|is|are|has been|had been) [a-z]+"
    r"|[a-z]+ed|began|became|won|took|came|opened|ran|went|lost|held|made) )"
)
_PARTICIPLE = re.compile(
    r"(?=[A-Z][a-z]+ (?:in|by|on|from|at) )(?:Founded|Formed|Established|Released|Written|Directed|Produced|Built"
    r"|Created|Published|Born|Raised|Headquartered|Launched|Opened|Located|Situated|Based|Named|Recorded|Activated"
    r"|Incorporated|Designed|Drafted|Selected|Managed|Owned|Operated|Composed|Discovered|Edited|Organized|Organised|Sponsored|Raised|Signed|Narrated|Developed|Invented|Hosted|Commissioned|Set|Completed|Constructed|Educated|Adapted|Distributed|Signed) "
)
_BRACKETS = re.compile(r",? ?\([^()]*(?:\([^()]*\)[^()]*)*\)")
_LEAST_SEMICOLONS = 3
_NOT_SUBJECTS = frozenset("In On At By From To For With As Of After Before While During And But "
                          "When Although Though Since Until There This That These Those It He She "
                          "They His Her Its Their If Both Some Many Most Other One Two Born".split())  # fmt: skip


@dataclass(frozen=True, slots=True)
class Predicate:
    """What is said of one entity."""

    entity: str
    start: int
    end: int
    pronoun: str = ""
    is_list: bool = False
    """Parts between semicolons are all about the entity."""
    opening: tuple[str, int, int] | None = None
    """A preposition and a date before the subject."""
    part: str = ""
    """The noun of a part of the entity ("Its lead single", "The harbour") that is the subject."""
    is_person: bool = False
    participle: str = ""
    """The verb before the subject: "Founded in 1987, …"."""


def _pronoun_of(document: Document) -> tuple[str, bool]:
    """Return the pronoun of the title's entity, and whether it is a person."""
    pronoun = pronoun_of(document)
    if pronoun in ("he", "she") and not document.is_person:
        if not words("things").isdisjoint(_nouns(document.text)):
            return "it", False  # a house whose text is about its owner
    return pronoun, document.is_person or pronoun in ("he", "she")


def sentences_of(document: Document) -> list[SentenceAbout]:
    """Return a document's sentences and what they are about; none if it never names its title."""
    pronoun, is_person = _pronoun_of(document)
    names = names_of_title(document.title, document.text, is_person=is_person)
    return sentences_about(document.text, document.title, names, pronoun) if names else []


def predicates_of(document: Document, sentences: Sequence[SentenceAbout]) -> Iterator[Predicate]:
    """Yield the predicates of sentences whose subject is the title's entity or a name.

    Args:
        document: whose facts are read.
        sentences: of the document, as ``sentences_of`` returns them.
    """
    text = document.text
    pronoun, is_person = _pronoun_of(document)
    names = names_of_title(document.title, text, is_person=is_person)
    if not sentences:
        return
    nouns = _nouns(text)
    is_list = text.count(";") >= _LEAST_SEMICOLONS and is_person
    for sentence in sentences:
        start, end = sentence.start, sentence.end
        if text.count(";", start, end) >= _LEAST_SEMICOLONS and is_list:
            yield Predicate(document.title, start, end, pronoun, is_list=True)
            continue
        if sentence.is_of_kin or sentence.is_unsure:
            continue
        opening = _OPENING.match(text, start, end)
        date = None
        if opening:
            start = opening.end()
            date = (opening[1].lower(), opening.start(2), opening.end(2))
        elif introduction := INTRODUCTION.match(text, start, end):
            start = introduction.end()
        participle = _PARTICIPLE.match(text, start, end)
        if participle and sentence.about != "other":
            stop = text.find(", ", participle.end(), end)
            if stop > 0 and _is_title(text, stop + 2, end, names, nouns):
                verb = participle.group().strip().lower()
                yield Predicate(document.title, participle.end(), stop, pronoun, participle=verb)
            continue
        subject = _subject(text, start, end, names, nouns, sentence.about == "other")
        part = ""
        if subject is None:
            found = _PART.match(text, start, end) if sentence.about != "other" else None
            if found is None or (found[1].lower() in ("the", "this") and is_person):
                continue
            nouns_of_part = [one for one in found[2].split() if one not in words("auxiliaries")]
            if not nouns_of_part or found[1] == "":
                nouns_of_part = [found[2].lower()] if found[1] == "" else []
            if not nouns_of_part:
                continue
            if nouns_of_part[-1] in ("following", "others", "latter", "former"):
                continue
            part, subject = nouns_of_part[-1], ("", found.end(2))
        entity, begin = subject
        if brackets := _BRACKETS.match(text, begin, end):
            begin = brackets.end()
        is_title = not entity
        yield Predicate(
            entity or document.title,
            begin,
            end,
            pronoun if is_title else "",
            opening=date,
            part=part,
            is_person=is_person and is_title,
        )


def _is_title(
    text: str, start: int, end: int, names: tuple[str, ...], nouns: frozenset[str]
) -> bool:
    """Return whether the subject behind "Founded in 1987, " is the title's entity."""
    subject = _subject(text, start, end, names, nouns, False)
    return subject is not None and not subject[0]


def _subject(
    text: str, start: int, end: int, names: tuple[str, ...], nouns: frozenset[str], is_other: bool
) -> tuple[str, int] | None:
    """Return the entity, empty for the title's, and where its predicate begins."""
    for article in ("", "The ", "the "):
        for name in names:
            if text.startswith(article + name, start):
                stop = start + len(article) + len(name)
                if not text[stop : stop + 1].isalnum() and text[stop : stop + 2] not in (
                    "'s",
                    "’s",
                ):
                    following = text[stop : stop + 2]
                    is_longer = (
                        len(following) > 1 and following[0] == " " and following[1].isupper()
                    )
                    return None if is_longer else ("", stop)
    if is_other:
        name_match = _NAME.match(text, start, end)
        if name_match is None or name_match.group().split()[0] in _NOT_SUBJECTS:
            return None
        said = name_match.group()
        if said.endswith(("'s", "’s", "'", "’", ".")) or len(said) < 3:
            return None
        behind = re.match(r" (?:\w+ly )?([a-z]+)\b|,? \(", text[name_match.end() :][:30])
        is_subject = behind is not None and (
            behind[1] is None
            or behind[1] in words("be")
            or behind[1] in ("has", "had")
            or is_verb(behind[1])
        )
        return (said, name_match.end()) if is_subject else None
    if match := _PRONOUN.match(text, start, end):
        return "", match.end()
    if (
        (match := _THE.match(text, start, end))
        and match[2] in nouns
        and (text[match.end() : match.end() + 1] not in ("'", "’", "-"))
    ):
        return "", match.end()
    return None


def _nouns(text: str) -> frozenset[str]:
    """Return the nouns by which the first sentence says what the title's entity is."""
    copula = _COPULA.search(text[:400])
    if copula is None:
        return frozenset()
    found: list[str] = []
    for word in re.split(r"[ ,]+", copula[1]):
        if word in ("in", "by", "of", "from", "that", "which", "who", "at", "for", "on", "with",
                    "directed", "written", "released", "located", "based", "produced"):  # fmt: skip
            break
        found.append(word)
    nouns = {word for word in found[-1:] if word.islower()}
    nouns |= {word for i, word in enumerate(found[:-1]) if found[i + 1] == "and" and word.islower()}
    return frozenset(nouns)
