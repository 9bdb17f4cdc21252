"""What the first sentences of a page state and the corpus has not: lives, callings, directors.

Only relations that a document lacks are read, and only from sentences of fixed forms:
"NAME (DATE - DATE) was a NATIONALITY CALLING", "NAME is a YEAR film directed and produced by NAME".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

HEAD = 400
"""Characters in which a page says what it is about."""
MORE_NATIONS = (
    "English", "Scottish", "Welsh", "Northern Irish", "New Zealand", "Hong Kong", "Puerto Rican",
    "Soviet", "Yugoslav", "Persian",
)  # fmt: skip
CALLINGS = frozenset(
    "activist actor actress administrator anthropologist architect archaeologist artist astronaut"
    " astronomer author aviator banker baseballer bassist biochemist biologist bishop boxer"
    " broadcaster businessman businesswoman cardinal cartoonist chemist choreographer"
    " cinematographer clergyman coach columnist comedian comedienne composer conductor cricketer"
    " critic cyclist dancer designer diplomat director drummer economist editor educator engineer"
    " entertainer entrepreneur essayist executive explorer farmer filmmaker footballer general"
    " geologist golfer guitarist historian humanitarian humorist illustrator impresario"
    " industrialist inventor jockey journalist judge jurist lawyer librettist linguist lyricist"
    " magician mathematician merchant missionary model musician naturalist novelist officer"
    " organist painter performer philanthropist philologist philosopher photographer physician"
    " physicist physiologist pianist pilot planter playwright poet politician polymath presenter"
    " priest printmaker producer professor programmer psychologist publisher rapper revolutionary"
    " satirist scholar scientist screenwriter sculptor singer skater soldier songwriter"
    " sociologist sprinter statesman stockbroker surgeon swimmer teacher theologian theorist"
    " translator violinist vocalist wrestler writer zoologist".split()
)
_MEDIUM = "(?:film|stage|television|radio|theatre|theater|screen|voice|musical theatre)"
_OF_MEDIA = re.compile(
    rf"{_MEDIUM}(?:(?:, and |, | and ){_MEDIUM})+ (?:actor|actress|director|producer|performer)\b"
)
_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = rf"(?:\d{{1,2}} (?:{_MONTH}) \d{{3,4}}|(?:{_MONTH}) \d{{1,2}}, \d{{3,4}})"
_LIFE = re.compile(
    rf"(?P<how>born |bapt\. |baptised )?(?P<birth>{_DATE})(?: in [^()–]{{0,30}})? ?[-–] ?"
    rf"(?P<death>{_DATE})(?:/\d+)? ?\) was (?:an? |the )"
)
_LIVING = re.compile(rf"\bborn (?P<birth>{_DATE})\) is an? ")
_YEAR = re.compile(r"^[^.]{0,120}? (?:is|was) an? (?:lost |upcoming )?(?P<year>(?:18|19|20)\d\d) ")
_WORD = r"(?:[A-Z][\w’'-]+|[A-Z]\.(?:[A-Z]\.)*)"
_NAME = rf"{_WORD}(?: (?:{_WORD}|de|del|der|di|la|le|van|von))* [A-Z][\w’'-]+"
_WORK = (
    r"(?:and|by|in|part|co-\w+|written|produced|edited|scored|composed|narrated|photographed|shot)"
)
_DIRECTED = re.compile(
    rf"\b[Dd]irected(?:[ ,]+{_WORK})*[ ,]+(?:by|by and starring|and starring) "
    rf"(?P<name>{_NAME}(?: and {_NAME})?)(?=[,.;]| [a-z(])"
)
_PLACE = r"[A-Z][\w’'-]+(?: [A-Z][\w’'-]+)*"
_BORN_IN = re.compile(
    rf"\b(?:[Ww]as born|[Bb]orn)(?: (?:on )?{_DATE},?)? in "
    rf"(?P<place>{_PLACE}, {_PLACE}(?=[,.;])|{_PLACE}(?=[,.;]| [a-z(]))"
)
_MONTHS = frozenset(_MONTH.split("|"))


def life_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield relations and values that the beginning of a person's page states."""
    head = text[:HEAD]
    found = _LIFE.search(head) or _LIVING.search(head)
    if found is None:
        return
    calling = calling_in(head[found.end() :])
    if not calling:  # a calling that is not in the list may be anything
        nation = _nation().match(head, found.end())
        if nation is None or nation["nation"].endswith("-born"):
            return
        calling = [("nationality", nation["nation"])]
    parts = found.groupdict()
    if not (parts.get("how") or "").startswith("bapt"):
        yield "birth date", parts["birth"]
    if parts.get("death"):
        yield "death date", parts["death"]
    yield from calling
    place = _BORN_IN.search(text)
    if place is not None and place["place"].split()[0] not in _MONTHS:
        yield "birth place", place["place"]


def calling_in(phrase: str) -> list[tuple[str, str]]:
    """Return nationality and occupation of "German poet, playwright, and actor, widely …".

    Empty where the phrase is not of that form.
    """
    found = _nation().match(phrase)
    if found is None:
        return []
    at = start = end = found.end()
    while words := _up_to_calling(phrase[at:]):
        end = at + len(" ".join(words))
        separator = re.match(r", and |, | and (?:an? )?", phrase[end:])
        if separator is None:
            break
        at = end + separator.end()
    if end == start:
        return []
    calling = [("occupation", phrase[start:end])]
    if found["nation"].endswith("-born"):  # it says where, and not of which country
        return calling
    return [("nationality", found["nation"]), *calling]


def _up_to_calling(phrase: str) -> list[str]:
    """Return as few words as end with a calling: "film actor", "theoretical physicist"."""
    of_media = _OF_MEDIA.match(phrase)
    if of_media is not None:  # "film, stage, and television actor"
        return of_media[0].split(" ")
    words: list[str] = []
    for word in phrase.split(" ")[:4]:
        bare = word.rstrip(",.;")
        words.append(bare)
        if bare in CALLINGS:
            return words
        if bare != word or not re.fullmatch(r"[a-z/-]+", word) or word == "and":
            return []
    return []


def film_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield release year and director that the beginning of a film's page states."""
    head = text[:HEAD]
    year = _YEAR.search(head)
    if year is not None:
        yield "release year", year["year"]
    director = _DIRECTED.search(head)
    if director is not None:
        yield "director", director["name"]


@cache
def _nation() -> re.Pattern[str]:
    names = "|".join(sorted({*country_adjectives(), *MORE_NATIONS}, key=len, reverse=True))
    return re.compile(
        rf"(?P<nation>(?:(?:{names})(?:-born)?[ -])*(?:{names})(?:-born)?"
        rf"(?: and (?:naturali[sz]ed[ -])?(?:{names}))?) "
    )


@cache
def country_adjectives() -> dict[str, str]:
    """Return the country of each adjective."""
    lines = Path(__file__).with_name("country_adjectives.txt").read_text("utf-8").splitlines()[1:]
    return dict(line.split(": ") for line in lines)
