"""Facts behind words that say a relation wherever they stand, such as "in the family"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lamlam.trainer.annotation.name_places import name_at, names_listed_at
from lamlam.trainer.annotation.sentence_tokens import DEMONYM, is_verb
from lamlam.trainer.annotation.subjects import SentenceAbout
from lamlam.trainer.documents import Document, StatedFact
from lamlam.trainer.entity_names import name_in_text

_RANKS = r"(?:super|sub|infra)?(?:family|order|genus|class|tribe|phylum)"
_OF_RANK = re.compile(
    rf"\b(?:(?:in|of|within|to|under) the |, )({_RANKS}) (?=[A-Z][a-z]+(?:[,.;)]| (?:and|in|of|that|which|from|found|with|native|endemic|within)\b))"
)
_IS_KIND = re.compile(
    r"\b(?:is|are|was|were) (?:an?|the|one of)(?: [a-z-]+)*? (?:species|genus|family|subfamily|subspecies|order|tribe|genera)\b"
)
_VACANCY = re.compile(
    r"vacancy (?:caused|left|created) by the (?:death|resignation|retirement|removal|appointment"
    r"|expulsion|disqualification) of (?:United States )?(?:Representative |Senator )?"
)
_ALIAS = re.compile(
    r"(?:(?P<how>(?:(?:also|formerly|previously|originally|better|best|commonly|officially|sometimes"
    r"|usually|often|locally|popularly|generally|simply|colloquially|widely|professionally|variously"
    r"|historically|traditionally|informally) )+(?:(?:well )?known|called|named|abbreviated|referred to|spelled|written)"
    r"(?: simply)?(?: as)?|nicknamed|abbreviated as|(?:stage name|known (?:professionally |locally |simply )?as)) |(?P<born>\(born |\(née |née )|(?P<official>officially )"
    r"|(?P<former>(?<=[(,;] )formerly |(?<=\()formerly ))(?:the )?(?=[A-Z])"
)
_GOES_ON = re.compile(r" (?:at|for|on|to) (?:the )?[A-Z]")
_OR = re.compile(r",? or (?:the )?(?=[A-Z])")
_COPULA = re.compile(r" (?:is|was|are|were|refers|has been|lies|serves|served|plays|played) ")
_PART = re.compile(
    r"(?:The|Its) (?P<what>(?:[a-z-]+ ){0,4}?[a-z-]{3,}) (?:is|are|was|were)(?: now| currently| then)? (?:the )?(?=[A-Z])"
)
_NO_PARTS = frozenset(
    "name show title rest result first second third last other others most both former latter same"
    " largest oldest smallest newest latest only best greatest earliest longest highest opening"
    " story setting film series book album song novel band group game episode following".split()
)
_IN_KIND = re.compile(
    r"\b(?:in|of|at|within|from) (?:the )?(?P<nation>[A-Z][a-z]+ )?(?:[a-z-]+ ){0,2}?"
    r"(?P<kind>state|province|region|district|county|department|municipality|city|town|borough|prefecture"
    r"|oblast|governorate|voivodeship|canton|commune|parish|township|village|island|suburb|neighborhood"
    r"|neighbourhood|territory|republic|community|comarca|peninsula|raion) of (?:the )?(?=[A-Z])"
)
_OF_LARGER = re.compile(
    r"\b(?P<name>(?:[A-Z][\w'’-]+ ){1,3}(?:Region|District|Province|County|Municipality|Oblast|Governorate"
    r"|Islands?|Peninsula|Raion|Prefecture|Department|district|province|region|county|department|municipality|governorate|prefecture"
    r"|area|section)) (?:of|in) (?:the )?(?=[A-Z])"
)
_NOT_LARGER = re.compile(
    r"\b(?:Rural|London|Metropolitan|Royal|Federal|Regional|Central|States|Police|School)\b"
)


def facts_of_names(document: Document, sentences: Sequence[SentenceAbout]) -> Iterator[StatedFact]:
    """Yield the other names of the title's entity that its first sentence gives."""
    text = document.text
    copula = _COPULA.search(text, 0, sentences[0].end) if sentences else None
    if copula is None:
        return
    for match in _ALIAS.finditer(text, 0, copula.start()):
        how = match["how"] or (
            "birth name" if match["born"] else "official name" if match["official"] else "formerly"
        )
        for start, stop in names_listed_at(text, match.end()):
            if _GOES_ON.match(text, stop):
                continue
            if " " in text[start:stop] or not match["born"]:
                yield StatedFact(document.title, how, text[start:stop], start)
    either = _OR.search(text, 0, copula.start())
    names = (document.title, name_in_text(document.title, text))
    if either is not None and text[: either.start()].removeprefix("The ") in names:
        yield from _stated(document, "also called", either.end())


def facts_of_anchors(
    document: Document, sentences: Sequence[SentenceAbout]
) -> Iterator[StatedFact]:
    """Yield facts that a few words before a name say of the title's entity."""
    text = document.text
    if not sentences:
        return
    yield from _of_first_sentence(document, sentences[0].end)
    if document.is_person:
        for match in _VACANCY.finditer(text):
            yield from _stated(document, "vacancy left by", match.end())
    else:
        for sentence in sentences[1:]:
            yield from _of_part(document, sentence.start, sentence.end)
    for match in _OF_LARGER.finditer(text):
        first, *_, kind = match["name"].split()
        is_nation = kind.islower() and DEMONYM.fullmatch(first)  # "Indian state of Kerala"
        if not is_nation and not _NOT_LARGER.search(match["name"]):
            for fact in _stated(document, "location", match.end()):
                yield StatedFact(match["name"], fact.relation, fact.value, fact.at)


def _of_first_sentence(document: Document, end: int) -> Iterator[StatedFact]:
    text = document.text
    copula = _COPULA.search(text, 0, end)
    if copula is None:
        return
    if _IS_KIND.search(text, 0, end):
        for match in _OF_RANK.finditer(text, copula.start(), end):
            yield from _stated(document, match[1], match.end())
    if not document.is_person:
        for match in _IN_KIND.finditer(text, copula.start(), end):
            nation = match["nation"]
            if nation is None or DEMONYM.fullmatch(nation.strip()):
                yield from _stated(document, match["kind"], match.end())


def _of_part(document: Document, start: int, end: int) -> Iterator[StatedFact]:
    """Yield "The county seat is …"."""
    match = _PART.match(document.text, start, end)
    if match is None:
        return
    words_said = match["what"].split()
    if not _NO_PARTS.isdisjoint(words_said) or any(is_verb(one) for one in words_said):
        return
    for place in names_listed_at(document.text, match.end()):
        said = document.text[place[0] : place[1]]
        if DEMONYM.fullmatch(said) is None:
            yield StatedFact(document.title, match["what"], said, place[0])


def _stated(document: Document, relation: str, at: int) -> Iterator[StatedFact]:
    place = name_at(document.text, at)
    if place is not None and document.text[place[0] : place[1]] != document.title:
        yield StatedFact(document.title, relation, document.text[place[0] : place[1]], place[0])
