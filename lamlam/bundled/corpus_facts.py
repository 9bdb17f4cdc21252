"""The facts of one document of the corpus, mended where its rules are known to go wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lamlam.bundled.first_sentences import country_adjectives, film_in, life_in
from lamlam.memory_backends.model.facts import Fact
from lamlam.memory_backends.model.values import EntityRef
from lamlam.trainer.documents import NOT_STATED, Document, StatedFact
from lamlam.trainer.entity_names import is_same_entity

FILMS, CONGRESS = "wikipedia-film", "us-congress-bio"
SOURCES = {
    CONGRESS: "Biographical Directory of the US Congress",
    FILMS: "Wikipedia",
    "wikipedia-lead": "Wikipedia",
    "wikipedia-entdesc": "Wikipedia",
    "wikipedia-wikides": "Wikipedia",
}
WEAK = {
    "type",
    "location",
    "named after",
    "member of",
    "team",
    "part of",
    "notability",
    "defeated",
    "completed",
    "performer",
}
"""Relations whose values, when a rule read them, are wrong too often to ship."""
WEAK_COLUMNS = {
    "age", "change, reason", "date", "dates", "event", "from", "notes", "other notes", "person",
    "reason for change", "type", "until", "use", "year",
}  # fmt: skip
"""Heads of columns that say too little of what stands below them."""
OF_PEOPLE = {
    "birth date", "birth place", "death date", "death place", "burial place", "nationality",
    "occupation", "profession", "education", "spouse", "parent", "party", "office", "state",
    "position", "team", "played for", "known for", "award", "term start", "term end",
    "practice place", "college", "club", "instrument", "field", "founder",
    "represented", "served as", "description", "sport", "label",
}  # fmt: skip
"""Relations that people have: others come from tables that name a person in passing."""
OF_PEOPLE_ALONE = {
    "occupation", "profession", "education", "spouse", "parent", "birth place", "death place",
    "burial place",
}  # fmt: skip
"""Of a page about something else they speak of somebody whom it names."""
LIVES = {"birth date", "death date"}
PLACES = {"birth place", "death place", "burial place"}
OF_NAMES = {"author", "director", "founder", "parent", "producer", "spouse", "writer"}
_ABBREVIATED = re.compile(
    r"(?:^|[ ,.])(?:Ala|Ariz|Ark|Calif|Colo|Conn|Del|Fla|Ga|Ill|Ind|Kans|Ky|La|Mass|Md|Mich|Minn"
    r"|Miss|Mo|Mont|Nebr|Nev|Okla|Oreg|Pa|Tenn|Tex|Va|Vt|Wash|Wis|Wyo|Bros|Co|Corp|Inc|Jr|Ltd|Sr"
    r"|St|[A-Z]\.[A-Z])$"
)
_VERB_BEHIND = re.compile(r",? and (?=[a-z]+(?:ed|d) ).*")
_BROKEN = ("and ", "or ", ", ")
"""A rule began in the middle of a list."""
NO_CALLINGS = frozenset(
    "film stage television theatre theater radio screen son daughter wife member city town village"
    " duo name character winner man woman better noted created".split()
)
_BEHIND_CALLING = re.compile(
    r"(?: and)?(?: (?:former|current|the))?(?: world)? (?:associated|better|competing|created|living"
    r"|notable|noted|playing|primarily|recipient|serving|speciali[sz]ing|working|[Mm]ember|No|and)$"
)
_PER_AREA = re.compile(r" ?(?:inhabitants|people|persons)? ?(?:/|per) ?(?:km|sq|mi|hectare)")
_AREA = re.compile(
    r"\b([Cc]ounty|[Aa]rea|[Rr]egion|[Dd]istrict|[Pp]arish),? (?:with|has|had|having|and) (?:a|an|the)"
    r" (?:[a-z]+ )?population (?:of|was|is) (?:[a-z]+ )?$"
)
_NUMBER = re.compile(r" \d")
_INITIAL = re.compile(r"(?:^|[ ,])[A-Z]\.$")
_NEXT_SENTENCE = re.compile(r"(?<=[a-z] [IVX])\. .*|(?<= II| IV| VI)\. .*|(?<= III)\. .*")
_SENTENCE_END = re.compile(r"[a-z]{3}[.] [A-Z]")
_CAST = re.compile(r"cast member (\d+)")


def facts_of(document: Document, countries: frozenset[str] = frozenset()) -> list[Fact]:
    """Return the document's facts that are good enough to ship.

    Args:
        document: of the corpus.
        countries: names that an adjective of a country may stand for.
    """
    found = {
        (fact.entity, fact.relation, fact.surface): fact for fact in _facts(document, countries)
    }
    return list(found.values())


def title_of(document: Document) -> str:
    """Return the title without the number that tells equal ones apart."""
    return re.sub(r"\[\d+\]$", "", document.title)


def _facts(document: Document, countries: frozenset[str]) -> Iterator[Fact]:
    title = title_of(document)
    source = f"{SOURCES.get(document.source, document.source)}: {title}"
    read = list(_read(document))
    is_film = document.source == FILMS
    is_person = document.is_person or (not is_film and any(life_in(document.text)))
    cast: list[tuple[int, Fact]] = []
    for stated in (*_stated(document), *read):
        relation = stated.relation.lower()
        is_own = is_same_entity(stated.entity, document.title)
        if _is_weak(stated, relation, document):
            continue
        if is_own and not is_person and not stated.is_structured and relation in OF_PEOPLE_ALONE:
            continue
        if is_person and is_own:
            relation = {"start date": "birth date", "end date": "death date"}.get(
                relation, relation
            )
            relation = "nationality" if relation == "country" else relation
            if relation not in OF_PEOPLE:
                continue
        if relation == "label" and document.source == FILMS:
            relation = "distributor"
        value = _whole(stated, relation, document)
        if not value:
            continue
        country = country_adjectives().get(value, "")
        is_named = relation == "country" and country in countries
        fact = Fact(
            entity=title if is_own else stated.entity,
            relation=_CAST.sub("cast member", relation),
            value=EntityRef(country) if is_named else value,
            surface=value,
            sources=(source,),
            confidence=1.0 if stated.is_structured else 0.9,
        )
        if fact.relation == "cast member":
            number = _CAST.fullmatch(relation)
            cast.append((int(number[1]) if number else 1, fact))
        else:
            yield fact
    # The cast is one relation: the fields of the record say in which order.
    yield from (fact for _, fact in sorted(cast, key=lambda one: one[0]))


def _stated(document: Document) -> Iterator[StatedFact]:
    """Yield all facts; those that the text lacks come from records, without a place."""
    yield from document.facts
    for entity, relation, value in document.other_facts:
        yield StatedFact(entity, relation, value, NOT_STATED, is_structured=True)


def _read(document: Document) -> Iterator[StatedFact]:
    """Yield what the first sentences state of relations that the document lacks."""
    if document.source == CONGRESS:
        return
    title = document.title
    has = {
        name.lower()
        for entity, name, value in document.triples()
        if is_same_entity(entity, title) and not _is_broken(name.lower(), value)
    }
    for relation, value in (film_in if document.source == FILMS else life_in)(document.text):
        if not has & {relation, _DATE_OF.get(relation, relation)}:
            yield StatedFact(title, relation, value, document.text.find(value))


_DATE_OF = {"birth date": "date of birth", "death date": "date of death"}
"""Other names that tables have for them."""


def _is_weak(stated: StatedFact, relation: str, document: Document) -> bool:
    if stated.is_structured:
        return relation in WEAK_COLUMNS
    if (
        relation in LIVES
        and not document.is_person
        and (_SENTENCE_END.search(document.text, 0, max(stated.at, 0)))
    ):
        return True  # of somebody whom the text mentions: architects of a firm, a founder
    return relation in WEAK


def _of_area(before: str, title: str) -> bool:
    found = _AREA.search(before[-80:])
    return found is not None and found[1].casefold() not in title.casefold()


def _is_broken(relation: str, value: str) -> bool:
    """Return whether a rule took half of a list, or a word that is no calling, for a value."""
    is_calling = relation in ("occupation", "profession")
    return value.startswith(_BROKEN) or (is_calling and value.split()[-1] in NO_CALLINGS)


def _whole(stated: StatedFact, relation: str, document: Document) -> str:
    """Return a value with what a rule cut off behind it, or without what it took too much.

    Empty where it is of another kind: a density, the people of a county around a town, the year in
    which a term began.
    """
    value = stated.value
    if _is_broken(relation, value):
        return ""
    if stated.at < 0:
        return value
    before = document.text[: stated.at]
    behind = document.text[stated.at + len(value) :][:40]
    if relation in PLACES:
        value = _VERB_BEHIND.sub("", value)
    if relation == "population" and (_PER_AREA.match(behind) or _of_area(before, document.title)):
        return ""
    if relation == "capital of" and value in country_adjectives():
        return ""  # "of the Canadian province of New Brunswick"
    if relation == "award" and _NUMBER.match(behind):
        return ""  # "the Bathurst 1000"
    if relation == "term end" and before.endswith("from "):
        return ""
    if relation in OF_NAMES:
        if value.endswith(".") and _INITIAL.search(value) and not behind.strip():
            return ""  # the text was cut inside the name
        value = _NEXT_SENTENCE.sub("", value)
    if relation == "occupation":
        value = _BEHIND_CALLING.sub("", value)
        if value == "rules footballer":
            return f"Australian {value}"
    if value != stated.value:
        return value
    if _INITIAL.search(f"{value}.") and (letters := re.match(r"(?:\.[A-Z])+\.", behind)):
        return value + letters[0]
    if behind.startswith(".") and _ABBREVIATED.search(value):
        return f"{value}."
    if relation in ("nationality", "country") and value in country_adjectives():
        second = re.match(r"[ -]([A-Z][a-z]+)\b", behind)
        if second is not None and second[1] in country_adjectives():
            return f"{value}{second[0]}"
    return value
